/** What callers may send: one schema each, unknown fields refused. Messages name the field, the rule and the value's kind, never the value. */

import { z } from 'zod';
import { RefusedError } from './errors.ts';
import { parseUpstreamRule } from './upstream.ts';
import { formatSchema } from './wire.ts';

/** The first four digits name the provider's host, hence at least four; ten in its documents, twelve in the wild. */
export const INSTANCE_ID = /^\d{4,20}$/;
/** No dots, slashes or percent signs: at the provider it is a path segment. */
export const API_TOKEN = /^[A-Za-z0-9_-]{8,256}$/;

const seconds = (min: number, max: number) => z.number().int().min(min).max(max);
const scope = z.enum(['view', 'password']);
export type Scope = z.infer<typeof scope>;

/** `scheme://host[:port]`, as browsers send it in `Origin`. */
export const originSchema = z
  .string()
  .max(256)
  .regex(/^https?:\/\/([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(:\d{1,5})?$/, 'expected an origin like https://app.example.com')
  .refine((value) => URL.canParse(value), 'expected an origin like https://app.example.com');

export const createSessionSchema = z.strictObject({
  instanceId: z.string().regex(INSTANCE_ID, 'expected 4 to 20 digits'),
  apiToken: z.string().regex(API_TOKEN, 'expected 8 to 256 characters of A-Z a-z 0-9 _ -'),
  apiUrl: z.string().max(256).optional(),
  reference: z.string().min(1).max(128).optional(),
  expectedPhone: z
    .string()
    .transform((value) => value.replace(/^\+/, '').replace(/[\s()-]/g, ''))
    .pipe(z.string().regex(/^\d{5,20}$/, 'expected a phone number of 5 to 20 digits'))
    .optional(),
  relink: z.boolean().optional(),
  locale: z
    .string()
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'expected a language tag like en or ru-RU')
    .max(35)
    .optional(),
  expiresInSeconds: seconds(60, 604_800).optional(),
  returnUrl: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .optional(),
});

export const listSessionsSchema = z.strictObject({
  state: z.enum(['idle', 'waiting', 'showing', 'password', 'connected', 'ended']).optional(),
  reference: z.string().min(1).max(128).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(128).optional(),
});

/** How a viewer over HTTP says what a stream's client says in messages; strings, for they come in a query. */
const viewerQuery = {
  formats: z
    .string()
    .transform((list) => list.split(','))
    .pipe(z.array(formatSchema).min(1).max(2))
    .optional(),
  visible: z
    .enum(['true', 'false'])
    .transform((word) => word === 'true')
    .default(true),
};

export const readSessionSchema = z.strictObject({ wait: z.coerce.number().min(0).max(30).default(0), ...viewerQuery });

/** Server-Sent Events. */
export const eventsSchema = z.strictObject(viewerQuery);

export const passwordSchema = z.strictObject({ password: z.string().min(1).max(256) });

export const createTicketSchema = z.strictObject({
  expiresInSeconds: seconds(30, 86_400).optional(),
  scopes: z.array(scope).min(1).max(2).optional(),
  origins: z.array(originSchema).max(20).optional(),
});

const limit = z.number().int().min(0).max(1_000_000);
const upstreamHost = z
  .string()
  .max(256)
  .refine((entry) => parseUpstreamRule(entry) !== null, 'expected a host, *.host, https://host or http://127.0.0.1:port');
const tenantFields = {
  name: z.string().min(1).max(128),
  allowedOrigins: z.array(originSchema).max(100),
  upstreamHosts: z.array(upstreamHost).max(50),
  limits: z.strictObject({ sessions: limit.optional(), viewers: limit.optional(), viewersPerSession: limit.optional() }),
  callback: z.strictObject({ url: z.url({ protocol: /^https?$/ }).max(2048) }),
};

export const createTenantSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'expected 1 to 63 of a-z 0-9 _ -, beginning with a letter or digit'),
  ...z.strictObject(tenantFields).partial().required({ name: true }).shape,
});

/** Null puts a list or callback back to none. */
export const patchTenantSchema = z
  .strictObject({ ...tenantFields, upstreamHosts: tenantFields.upstreamHosts.nullable(), callback: tenantFields.callback.nullable() })
  .partial();

/** Socket.IO handshake and `subscribe`. */
export const subscribeSchema = z.strictObject({
  ticket: z.string().min(1).max(4096),
  formats: z.array(formatSchema).min(1).max(2).optional(),
  after: z.number().int().nonnegative().optional(),
});
/** `unsubscribe` and `resume`. */
export const sessionIdSchema = z.strictObject({ sessionId: z.string().min(1).max(64) });
export const streamPasswordSchema = z.strictObject({ sessionId: z.string().min(1).max(64), password: z.string().min(1).max(256) });
export const visibleSchema = z.strictObject({ visible: z.boolean() });

/** @throws {RefusedError} `invalid_request` naming every field at fault and the rule it breaks; values are told by their kind alone. */
export function parseRequest<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value, { reportInput: false });
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => {
    const field = issue.path.length === 0 ? 'the request' : issue.path.join('.');
    const rule = ruleOf(issue);
    return `${field}: ${rule} (came: ${kindAt(value, issue.path)})`;
  });
  throw new RefusedError('invalid_request', faults.slice(0, 10).join('; '), { cause: undefined });
}

/** The rule in a caller's words. What no case names says it well enough itself. */
function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `unknown field${issue.keys.length > 1 ? 's' : ''} ${issue.keys.slice(0, 10).map(shortName).join(', ')}`;
    case 'invalid_type':
      return `expected ${issue.expected === 'nonoptional' ? 'a value' : issue.expected}`;
    case 'too_small':
      return `expected at least ${issue.minimum}${UNITS[issue.origin] ?? ''}`;
    case 'too_big':
      return `expected at most ${issue.maximum}${UNITS[issue.origin] ?? ''}`;
    case 'invalid_value':
      return `expected one of ${issue.values.join(', ')}`;
    default:
      return issue.message;
  }
}

const UNITS: Readonly<Record<string, string>> = { string: ' characters', array: ' entries' };

/** A key is the caller's own text, so it is cut: a secret pasted in its place must not come back whole. */
function shortName(key: string): string {
  return JSON.stringify(key.length > 16 ? `${key.slice(0, 16)}…` : key);
}

function kindAt(value: unknown, path: readonly PropertyKey[]): string {
  let here: unknown = value;
  for (const key of path) {
    if (typeof here !== 'object' || here === null) return 'nothing';
    here = (here as Readonly<Record<PropertyKey, unknown>>)[key]; // reading only; the value may be anything
  }
  if (here === null) return 'null';
  if (here === undefined) return 'nothing';
  if (Array.isArray(here)) return `array of ${here.length}`;
  return typeof here === 'string' ? `string of ${here.length}` : typeof here;
}
