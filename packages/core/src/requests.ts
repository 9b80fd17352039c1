/**
 * What callers may send, one schema each. Unknown fields are refused. Messages name the field, the
 * rule and the kind of the value, never the value.
 */

import { z } from 'zod';
import { API_TOKEN, INSTANCE_ID } from './credential-forms.ts';
import { RefusedError } from './errors.ts';
import { invisibleFault } from './invisible.ts';
import { readOrigin } from './origin.ts';
import { PHONE_PATTERN, readPhone } from './phone.ts';
import { findIllFormed } from './utf8.ts';
import { formatSchema, sessionStateSchema } from './wire.ts';

/** A week: the longest `expiresInSeconds` that a caller may ask for. */
export const LONGEST_SESSION_SECONDS = 604_800;

const seconds = (min: number, max: number) => z.number().int().min(min).max(max);
/** For `superRefine`. `faultOf` repeats nothing of the text but the one character. */
export const without =
  (faultOf: (text: string) => string | null) =>
  (text: string, context: z.core.$RefinementCtx): void => {
    const fault = faultOf(text);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault, input: '' });
  };

/** Checked for invisible characters first, because the URL parser would drop them. */
export const webUrl = z
  .string()
  .max(2048)
  .superRefine(without(invisibleFault))
  .check(z.url({ protocol: /^https?$/ }));

const scope = z.enum(['view', 'password']).meta({ id: 'Scope', description: 'A right that a ticket can give' });
export type Scope = z.infer<typeof scope>;

/**
 * Transforms an origin into the one form in which origins are compared. So each is kept once,
 * however it is spelled.
 */
export const originSchema = z
  .string()
  .transform((value, context) => {
    const reading = readOrigin(value);
    if (reading.kind === 'origin') return reading.origin;
    context.issues.push({ code: 'custom', message: reading.rule, input: value });
    return z.NEVER;
  })
  .pipe(z.string());

export const originList = (max: number) =>
  z
    .array(originSchema)
    .max(max)
    .transform((origins) => [...new Set(origins)])
    .pipe(z.array(z.string()));

/**
 * Transforms a phone number into international digits. An ambiguous number is refused, and the error
 * names the form that is expected.
 */
export const expectedPhoneSchema = z
  .string()
  .meta({ pattern: PHONE_PATTERN })
  .transform((value, context) => {
    const reading = readPhone(value);
    if (reading.kind === 'phone') return reading.digits;
    context.issues.push({ code: 'custom', message: reading.rule, input: value });
    return z.NEVER;
  })
  .pipe(z.string());

export const createSessionSchema = z
  .strictObject({
    instanceId: z.string().regex(INSTANCE_ID, 'expected 4 to 20 digits').describe('The instance at the provider, its `idInstance`'),
    apiToken: z
      .string()
      .regex(API_TOKEN, 'expected 8 to 256 characters of A-Z a-z 0-9 _ -')
      .describe("The provider's token of the instance, its `apiTokenInstance`. Stored encrypted, and never part of an answer"),
    apiUrl: z
      .string()
      .max(256)
      .optional()
      .describe('The provider host, without a path. Default: `https://<first four digits of instanceId>.api.green-api.com`'),
    reference: z.string().min(1).max(128).optional().describe('Your own id of this session. Every state contains it'),
    expectedPhone: expectedPhoneSchema
      .optional()
      .describe(
        'A phone number in international form. The session is `connected` only if this phone logs in. With any other it ends `account_mismatch`',
      ),
    logoutOnMismatch: z
      .boolean()
      .optional()
      .describe('Only with `expectedPhone`. If another phone logs in, log it out again before the session ends `account_mismatch`'),
    relink: z.boolean().optional().describe('If the instance is already linked, log it out first and link it again'),
    locale: z
      .string()
      .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'expected a language tag like en or ru-RU')
      .max(35)
      .optional()
      .describe('The language of the hosted page, a BCP 47 tag'),
    expiresInSeconds: seconds(60, LONGEST_SESSION_SECONDS).optional().describe('How long the session lasts, seconds. Default: 3600'),
    returnUrl: webUrl.optional().describe('Where the hosted page sends the person after the login'),
  })
  .refine(({ logoutOnMismatch, expectedPhone }) => logoutOnMismatch !== true || expectedPhone !== undefined, {
    path: ['logoutOnMismatch'],
    error: 'expected together with expectedPhone, which says whose login is the right one',
  })
  .meta({ id: 'CreateSession' });

export const listSessionsSchema = z.strictObject({
  state: sessionStateSchema.optional().describe('Only sessions in this state'),
  reference: z.string().min(1).max(128).optional().describe('Only sessions with this reference'),
  limit: z.coerce.number().int().min(1).max(100).default(20).describe('The largest number of sessions on one page'),
  cursor: z.string().max(128).optional().describe('The `nextCursor` of the previous page'),
});

/**
 * What a viewer over HTTP says in a query, and the client of a stream in messages. All values of a
 * query are strings.
 */
const viewerQuery = {
  formats: z
    .string()
    .transform((list) => list.split(','))
    .pipe(z.array(formatSchema).min(1).max(2))
    .optional()
    .describe('The forms of the code that you want. Default: both. `text` alone is ten times smaller'),
  visible: z
    .enum(['true', 'false'])
    .transform((word) => word === 'true')
    .pipe(z.boolean())
    .default(true)
    .describe('`false`: watch without counting as a viewer, and without keeping the session polled'),
};

export const readSessionSchema = z.strictObject({
  wait: z.coerce
    .number()
    .min(0)
    .max(30)
    .default(0)
    .describe('Only with `If-None-Match`: how long to hold the answer if there is nothing newer yet, seconds'),
  ...viewerQuery,
});

/** Server-Sent Events. */
export const eventsSchema = z.strictObject({
  ...viewerQuery,
  lastEventId: z
    .string()
    .optional()
    .describe(
      'The same as the header `Last-Event-ID`, for clients that cannot send it. If both are sent, the header is used. `last_event_id` is accepted, too',
    ),
});

const password = z
  .string()
  .min(1)
  .max(256)
  // Nobody types U+FFFD. It means that the password was read in a wrong encoding, and a try would
  // be wasted on it.
  .refine((text) => !text.includes('\uFFFD'), 'expected the password as it was typed; a character of it was lost on its way here')
  .describe("The account's cloud password. It is sent to the provider, and never stored or logged");

export const passwordSchema = z.strictObject({ password }).meta({ id: 'SendPassword' });

export const createTicketSchema = z
  .strictObject({
    expiresInSeconds: seconds(30, 86_400)
      .optional()
      .describe('How long the ticket is valid, seconds, at most until the session ends. Default: 900'),
    scopes: z.array(scope).min(1).max(2).optional().describe('The rights of the ticket. Default: both'),
    origins: originList(20)
      .optional()
      .describe(
        "The origins of the pages that may use the ticket, for example `https://app.example.com`. Empty: any page may. Default: the tenant's `allowedOrigins`",
      ),
  })
  .meta({ id: 'CreateTicket' });

const sessionId = z.string().min(1).max(64).describe('The id of a session that this connection watches');

/** The message `subscribe`. */
export const subscribeSchema = z.strictObject({
  ticket: z.string().min(1).max(4096).describe('A ticket with the scope `view`'),
  formats: z.array(formatSchema).min(1).max(2).optional().describe('The forms of the code that you want. Default: both'),
  after: z.number().int().nonnegative().optional().describe('The version that you have. An equal or older state is not sent again'),
});
/** The handshake of Socket.IO, which subscribes at once. */
export const handshakeSchema = subscribeSchema.extend({
  visible: z.boolean().optional().describe('`false`: the tab is hidden, as with the message `visible`. Default: `true`'),
});
/** The messages `unsubscribe`, `resume` and `start_over`. */
export const sessionIdSchema = z.strictObject({ sessionId });
export const streamPasswordSchema = z.strictObject({ sessionId, password });
export const visibleSchema = z.strictObject({
  visible: z
    .boolean()
    .describe(
      '`false`: the tab is hidden. The connection stays open, but it does not count as a viewer, and no codes are requested for it',
    ),
});

/**
 * @throws {RefusedError} `invalid_request` naming up to ten fields at fault and the rules they
 *   break. It tells the kind of each value, never the value.
 */
export function parseRequest<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return wellFormed(result.data, value);
  const faults = result.error.issues.map((issue) => {
    const field = issue.path.length === 0 ? 'the request' : issue.path.join('.');
    const rule = ruleOf(issue);
    return `${field}: ${rule} (came: ${kindAt(value, issue.path)})`;
  });
  throw new RefusedError('invalid_request', faults.slice(0, 10).join('; '));
}

/**
 * @throws {RefusedError} `invalid_request` for half a surrogate pair, which UTF-8 would turn into
 *   another character.
 */
function wellFormed<T>(data: T, value: unknown): T {
  const path = findIllFormed(data);
  if (path === null) return data;
  const field = path.length === 0 ? 'the request' : path.join('.');
  throw new RefusedError('invalid_request', `${field}: expected text without half a surrogate pair (came: ${kindAt(value, path)})`);
}

/**
 * The rule in words for the caller. The default case is an issue whose own message is good enough.
 */
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

/**
 * Shortens a key of the caller. The answer must not repeat a whole secret that was pasted in place
 * of a key.
 */
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
