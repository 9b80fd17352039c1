/**
 * The callbacks to a tenant's own server: which changes of a session cause one, and its form. They
 * follow the Standard Webhooks specification.
 */

import { z } from 'zod';
import { type ConnectedInstance, type LossState, lossStateSchema } from './connected-instance.ts';
import { connectionCauseSchema } from './connection-cause.ts';
import type { Session } from './session.ts';
import { toWire, wireSessionSchema } from './wire.ts';

const sessionCallbackTypeSchema = z
  .enum(['session.connected', 'session.ended', 'session.password_required'])
  .meta({ id: 'SessionCallbackType', description: 'What happened to a session' });

export const callbackTypeSchema = z
  .enum([...sessionCallbackTypeSchema.options, 'instance.disconnected'])
  .meta({ id: 'CallbackType', description: 'What happened' });
export type CallbackType = z.infer<typeof callbackTypeSchema>;

/**
 * Leaves out what changes without a change of the session, and the code, which these states do not
 * have.
 */
export const callbackSessionSchema = wireSessionSchema
  .omit({ code: true, viewers: true, serverNow: true })
  .meta({ id: 'CallbackSession', description: 'The session as it was then, without `code`, `viewers` and `serverNow`.' });

/** The body of a callback about a session. */
export const callbackBodySchema = z
  .object({
    type: sessionCallbackTypeSchema,
    timestamp: z.string().describe('When it happened, ISO 8601'),
    data: z.object({ session: callbackSessionSchema }).describe('The session'),
  })
  .meta({ id: 'CallbackBody', description: 'One event of a session.' });
type CallbackBody = z.infer<typeof callbackBodySchema>;

const disconnectedInstanceSchema = z
  .object({
    instanceId: z.string().describe('The instance at the provider'),
    reference: z.string().nullable().describe('The `reference` of the session that connected it'),
    sessionId: z.string().describe('The id of that session. The session itself may not exist any more'),
    connectedAt: z.number().int().describe('When the login was detected, Unix ms'),
    disconnectedAt: z
      .number()
      .int()
      .describe('When the account was lost according to the provider, or when a check detected the loss; Unix ms'),
    providerState: lossStateSchema.describe('The state that the provider reported'),
    foundBy: z
      .enum(['notification', 'check'])
      .describe("What detected the loss: the provider's notification, or a check (`checkConnectedEvery`)"),
  })
  .meta({
    id: 'DisconnectedInstance',
    description: 'An instance that one of your sessions connected, and whose account is no longer linked.',
  });

/** The body of a callback about an instance that a session connected. */
export const instanceCallbackBodySchema = z
  .object({
    type: z.literal('instance.disconnected'),
    timestamp: z.string().describe('When it happened, ISO 8601'),
    data: z.object({ instance: disconnectedInstanceSchema }).describe('The instance'),
  })
  .meta({ id: 'InstanceCallbackBody', description: 'One event of an instance that a session connected.' });
type InstanceCallbackBody = z.infer<typeof instanceCallbackBodySchema>;

/** The body of a forwarded notification. */
export const relayBodySchema = z
  .object({
    type: z.literal('provider.notification'),
    timestamp: z.string().describe('When the notification came, ISO 8601'),
    data: z.unknown().describe("The provider's notification, byte for byte"),
  })
  .meta({ id: 'RelayBody', description: "One of the provider's notifications." });

/**
 * One message to a tenant's server. `id` is its `webhook-id`: the same at every try, and unique to
 * it.
 */
export const callbackSchema = z.object({
  id: z.string(),
  tenantId: z.string(),
  sessionId: z.string(),
  type: callbackTypeSchema,
  createdAt: z.number(),
  /** The body, byte for byte as it is signed and sent. */
  payload: z.string(),
});
export type Callback = Readonly<z.infer<typeof callbackSchema>>;

const TYPES: Readonly<Partial<Record<Session['state']['kind'], z.infer<typeof sessionCallbackTypeSchema>>>> = {
  connected: 'session.connected',
  ended: 'session.ended',
  password: 'session.password_required',
};

/** The callback for a change at `at` (Unix ms). Null if this change causes none. */
export function callbackOf(previous: Session, next: Session, at: number): Callback | null {
  const type = TYPES[next.state.kind];
  if (type === undefined || isSameState(previous, next)) return null;
  const session = callbackSessionSchema.parse(toWire(next, { image: null, viewers: 0, now: at }));
  return {
    // If Redis lost its last second, a version can occur twice, but not with the same time.
    id: `evt_${next.id.replace(/^ses_/, '')}_${next.version}_${at.toString(36)}`,
    tenantId: next.tenantId,
    sessionId: next.id,
    type,
    createdAt: at,
    payload: JSON.stringify({ type, timestamp: new Date(at).toISOString(), data: { session } } satisfies CallbackBody),
  };
}

/** The loss of an account. `at` is when it happened, Unix ms. */
export interface Loss {
  readonly state: LossState;
  readonly at: number;
  readonly by: 'notification' | 'check';
}

/**
 * The callback for a loss at `now` (Unix ms). A login is lost once, so the id is made from the
 * login.
 */
export function disconnectedCallback(record: ConnectedInstance, loss: Loss, now: number): Callback {
  const { tenantId, instanceId, reference, sessionId, loginAt } = record;
  // The provider's time has whole seconds. It may be before a login in the same second, or ahead of
  // our clock.
  const disconnectedAt = Math.min(Math.max(loss.at, loginAt), now);
  const instance = {
    instanceId,
    reference,
    sessionId,
    connectedAt: loginAt,
    disconnectedAt,
    providerState: loss.state,
    foundBy: loss.by,
  };
  const body: InstanceCallbackBody = {
    type: 'instance.disconnected',
    timestamp: new Date(disconnectedAt).toISOString(),
    data: { instance },
  };
  return {
    id: `evt_${sessionId.replace(/^ses_/, '')}_lost`,
    tenantId,
    sessionId,
    type: body.type,
    createdAt: now, // retried for a day from now, even if the loss is older
    payload: JSON.stringify(body),
  };
}

/**
 * Two ends with different reasons are different states: a resumable end can be cancelled, or
 * expire.
 */
function isSameState({ state: before }: Session, { state: after }: Session): boolean {
  if (before.kind === 'ended' && after.kind === 'ended') return before.reason === after.reason;
  return before.kind === after.kind;
}

/** The message that forwards a notification. It contains the body unchanged, byte for byte. */
export function relayPayload(body: string, at: number): string {
  return `{"type":"provider.notification","timestamp":"${new Date(at).toISOString()}","data":${body}}`;
}

const timestamp = z.number().int();

export const callbackStateSchema = z
  .enum(['pending', 'delivered', 'failed'])
  .meta({ id: 'CallbackState', description: 'The state of the delivery' });
export type CallbackState = z.infer<typeof callbackStateSchema>;

export const attemptErrorSchema = z
  .enum(['timeout', 'unreachable', 'address_not_allowed', 'not_configured'])
  .meta({ id: 'CallbackError', description: 'Why the try got no HTTP status' });
export type AttemptError = z.infer<typeof attemptErrorSchema>;

export const attemptSchema = z
  .object({
    at: timestamp.describe('When the try began, Unix ms'),
    ms: timestamp.describe('How long the try took, ms'),
    status: z.number().int().optional().describe('The HTTP status that your server answered'),
    error: attemptErrorSchema.optional(),
    cause: connectionCauseSchema.optional(),
  })
  .meta({ id: 'CallbackAttempt', description: 'One try. It has a `status`, or an `error` and perhaps its `cause`.' });
export type Attempt = Readonly<z.infer<typeof attemptSchema>>;

export const wireCallbackSchema = z
  .object({
    id: z.string().describe('Its `webhook-id`: the same at every try'),
    type: callbackTypeSchema,
    sessionId: z.string().describe('The session. With `instance.disconnected`, the session that connected the instance'),
    createdAt: timestamp.describe('When the event was detected, Unix ms'),
    attempts: z.array(attemptSchema).describe('The last 50 tries, oldest first'),
    state: callbackStateSchema,
    nextAttemptAt: timestamp.nullable().describe('When the next try is due, Unix ms. Null unless `pending`'),
  })
  .meta({ id: 'Callback', description: 'One event for your server, and the state of its delivery.' });
export type WireCallback = z.infer<typeof wireCallbackSchema>;

export const callbackAnswerSchema = z.object({ callback: wireCallbackSchema }).meta({ id: 'CallbackAnswer' });

export const callbackListSchema = z
  .object({
    callbacks: z.array(wireCallbackSchema).describe('Newest first'),
    nextCursor: z.string().nullable().describe('The `cursor` of the next page; null at the end of the list'),
  })
  .meta({ id: 'CallbackList' });

export const listCallbacksSchema = z.strictObject({
  state: callbackStateSchema.optional().describe('Only callbacks in this state'),
  limit: z.coerce.number().int().min(1).max(100).default(20).describe('The largest number of callbacks on one page'),
  cursor: z.string().max(128).optional().describe('The `nextCursor` of the previous page'),
});

export const callbackSecretSchema = z
  .object({
    callbackSecret: z.string().describe('The new secret. Shown only once'),
    previousValidUntil: timestamp.describe('Until this time every message is signed with the previous secret as well, Unix ms'),
  })
  .meta({ id: 'CallbackSecret' });
