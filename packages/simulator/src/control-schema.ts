/**
 * The bodies of the control API. Each is strict: a misspelt field is refused with a list of the
 * known names, not ignored.
 */
import { z } from 'zod';
import { ANY_METHOD } from './fault-script.ts';
import { FAULT_NAMES } from './faults.ts';
import { METHOD_NAMES } from './method-table.ts';
import { INSTANCE_STATES } from './states.ts';

const state = z.enum(INSTANCE_STATES);
const times = z.union([z.int().positive(), z.literal('always')]);
const scheme = z.string().nullable();
const webhookUrl = z.url({ protocol: /^https?$/ });
const ms = z.number().nonnegative();

export const createBody = z.strictObject({
  idInstance: z.string().optional(),
  apiToken: z.string().optional(),
  phone: z.string().optional(),
  state: state.optional(),
  cloudPassword: z.string().optional(),
  webhook: z.strictObject({ url: webhookUrl, token: z.string().optional(), scheme: scheme.optional() }).optional(),
});

export const scanBody = z.strictObject({ link: z.string().optional() });

export const scanWithPasswordBody = z.strictObject({ password: z.string().min(1).optional() });

export const stateBody = z.strictObject({ state });

export const faultBody = z.strictObject({
  method: z.enum([...METHOD_NAMES, ANY_METHOD]),
  fault: z.enum(FAULT_NAMES),
  times: times.optional(),
  ms: ms.optional(),
  retryAfter: z.union([z.number(), z.string()]).optional(),
  location: z.string().optional(),
});

/** `url: null` removes the webhook. Without `url` only `lose`, `duplicate` and `delayMs` change. */
export const webhookBody = z.strictObject({
  url: webhookUrl.nullable().optional(),
  token: z.string().optional(),
  scheme: scheme.optional(),
  lose: z.int().nonnegative().optional(),
  duplicate: z.union([z.int().nonnegative(), z.literal('always')]).optional(),
  delayMs: ms.optional(),
});

/** Exactly one of `state` and `sameSecondPair`. */
export const noticeBody = z
  .strictObject({
    state: z.string().optional(),
    sameSecondPair: z.tuple([z.string(), z.string()]).optional(),
    offsetMs: z.number().optional(),
    wid: z.string().optional(),
    scheme: scheme.optional(),
  })
  .refine((notice) => (notice.state === undefined) !== (notice.sameSecondPair === undefined), {
    message: 'give either state or sameSecondPair',
  });

/** A schema with the names of its fields, for the error message that lists them. */
export interface BodySchema<Body> {
  readonly shape: Readonly<Record<string, unknown>>;
  safeParse(value: unknown): { success: true; data: Body } | { success: false; error: z.ZodError };
}

export type Parsed<Body> = { readonly ok: true; readonly body: Body } | { readonly ok: false; readonly message: string };

/**
 * Returns the body, or a message that says what is wrong and what is allowed. An empty body is read
 * as `{}`.
 */
export function parseBody<Body>(schema: BodySchema<Body>, source: string): Parsed<Body> {
  let value: unknown;
  try {
    value = source.trim() === '' ? {} : JSON.parse(source);
  } catch {
    // The parser's message quotes the body, which may contain a password.
    return { ok: false, message: 'the body is not JSON' };
  }
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, body: result.data };
  const known = Object.keys(schema.shape).join(', ');
  return { ok: false, message: result.error.issues.map((issue) => explain(issue, known)).join('; ') };
}

function explain(issue: z.core.$ZodIssue, known: string): string {
  if (issue.code === 'unrecognized_keys' && issue.path.length === 0)
    return `unknown field ${issue.keys.join(', ')}; the fields are ${known}`;
  const where = issue.path.join('.');
  return where === '' ? issue.message : `${where}: ${issue.message}`;
}
