/**
 * The messages on the streams, one schema each: those of the server over any transport, and the
 * frames of a plain WebSocket. Both the generated documents (AsyncAPI) and the server use these.
 */

import { z } from 'zod';
import { closeReasonSchema } from './close-codes.ts';
import { errorCodeSchema } from './errors.ts';
import { sessionIdSchema, streamPasswordSchema, subscribeSchema, visibleSchema } from './requests.ts';
import { limitNameSchema } from './tenant-limits.ts';
import { freshSchema, wireSessionSchema } from './wire.ts';

const waitMs = z.number().int().nonnegative().describe('Wait at least this long before you reconnect or try again, ms');

export const drainingSchema = z.object({ retryAfterMs: waitMs }).meta({
  id: 'Draining',
  description: 'This gateway is stopping. It closes the connection right after this message. Reconnect: another gateway will serve you.',
});

export const closingSchema = z
  .object({
    code: closeReasonSchema,
    number: z.number().int().describe('The close code of a plain WebSocket'),
    retryable: z.boolean().describe('Whether to reconnect without changing anything'),
    retryAfterMs: waitMs.optional(),
  })
  .meta({ id: 'Closing', description: 'Why the connection is closed. It is the last message.' });

export const streamErrorSchema = z
  .object({
    code: errorCodeSchema,
    detail: z.string().describe('For people: what was expected, what came and what to do. Never contains a secret'),
    retryable: z.boolean().describe('Whether the same call may succeed later'),
    retryAfterMs: waitMs.optional(),
    limit: limitNameSchema.optional().describe('The limit that was reached'),
  })
  .meta({ id: 'StreamError', description: 'Why a call on a stream was refused.' });

/** The client chooses it for a frame, and the answer repeats it. */
export const refSchema = z
  .union([z.number().int().nonnegative(), z.string().min(1).max(64)])
  .meta({ id: 'Ref', description: 'Chosen by the client for a frame, and repeated in the answer to it' });

const marked = { ref: refSchema.optional() };

/** What a client may send on `/v1/ws`, by `type`. */
export const CLIENT_FRAMES = {
  subscribe: z.strictObject({ type: z.literal('subscribe'), ...marked, ...subscribeSchema.shape }),
  unsubscribe: z.strictObject({ type: z.literal('unsubscribe'), ...marked, ...sessionIdSchema.shape }),
  password: z.strictObject({ type: z.literal('password'), ...marked, ...streamPasswordSchema.shape }),
  resume: z.strictObject({ type: z.literal('resume'), ...marked, ...sessionIdSchema.shape }),
  start_over: z.strictObject({ type: z.literal('start_over'), ...marked, ...sessionIdSchema.shape }),
  visible: z.strictObject({ type: z.literal('visible'), ...marked, ...visibleSchema.shape }),
  ping: z.strictObject({ type: z.literal('ping'), ...marked }),
} as const;

const { subscribe, unsubscribe, password, resume, start_over, visible, ping } = CLIENT_FRAMES;
export const clientFrameSchema = z.discriminatedUnion('type', [subscribe, unsubscribe, password, resume, start_over, visible, ping], {
  error: `expected one of ${Object.keys(CLIENT_FRAMES).join(', ')}`,
});

/** What the server sends on `/v1/ws`, by `type`. */
export const SERVER_FRAMES = {
  session: z.object({ type: z.literal('session'), session: wireSessionSchema }),
  fresh: z.object({ type: z.literal('fresh'), ...freshSchema.shape }),
  draining: z.object({ type: z.literal('draining'), ...drainingSchema.shape }),
  ok: z.object({
    type: z.literal('ok'),
    ...marked,
    sessionId: z.string().optional().describe('After a `subscribe`: the id of the session that is watched now'),
  }),
  error: z.object({ type: z.literal('error'), ...marked, error: streamErrorSchema }),
  pong: z.object({ type: z.literal('pong'), ...marked }),
} as const;

export type ServerFrame = { [K in keyof typeof SERVER_FRAMES]: z.infer<(typeof SERVER_FRAMES)[K]> }[keyof typeof SERVER_FRAMES];
