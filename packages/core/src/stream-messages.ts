/**
 * What goes over the streams, one schema each: the messages of the server, whatever the transport, and the frames of a plain WebSocket. The
 * generated documents (AsyncAPI) and the server itself are made from these.
 */

import { z } from 'zod';
import { CLOSE_CODES, type CloseReason } from './close-codes.ts';
import { ERRORS, type ErrorCode } from './errors.ts';
import { sessionIdSchema, streamPasswordSchema, subscribeSchema, visibleSchema } from './requests.ts';
import { freshSchema, wireSessionSchema } from './wire.ts';

const namesOf = <K extends string>(table: Readonly<Record<K, unknown>>) => z.enum(Object.keys(table) as [K, ...K[]]); // never empty

const waitMs = z.number().int().nonnegative().describe('Milliseconds to wait at least');

export const drainingSchema = z.object({ retryAfterMs: waitMs }).meta({ id: 'Draining' });

export const closingSchema = z
  .object({ code: namesOf<CloseReason>(CLOSE_CODES), number: z.number().int(), retryable: z.boolean(), retryAfterMs: waitMs.optional() })
  .meta({ id: 'Closing' });

export const streamErrorSchema = z
  .object({ code: namesOf<ErrorCode>(ERRORS), detail: z.string(), retryable: z.boolean(), retryAfterMs: waitMs.optional() })
  .meta({ id: 'StreamError' });

/** A client's own mark on a frame, repeated in the answer to it. */
export const refSchema = z.union([z.number().int().nonnegative(), z.string().min(1).max(64)]).meta({ id: 'Ref' });

const marked = { ref: refSchema.optional() };

/** What a client may send on `/v1/ws`, by `type`. */
export const CLIENT_FRAMES = {
  subscribe: z.strictObject({ type: z.literal('subscribe'), ...marked, ...subscribeSchema.shape }),
  unsubscribe: z.strictObject({ type: z.literal('unsubscribe'), ...marked, ...sessionIdSchema.shape }),
  password: z.strictObject({ type: z.literal('password'), ...marked, ...streamPasswordSchema.shape }),
  resume: z.strictObject({ type: z.literal('resume'), ...marked, ...sessionIdSchema.shape }),
  visible: z.strictObject({ type: z.literal('visible'), ...marked, ...visibleSchema.shape }),
  ping: z.strictObject({ type: z.literal('ping'), ...marked }),
} as const;

/** What the server sends on `/v1/ws`, by `type`. */
export const SERVER_FRAMES = {
  session: z.object({ type: z.literal('session'), session: wireSessionSchema }),
  fresh: z.object({ type: z.literal('fresh'), ...freshSchema.shape }),
  draining: z.object({ type: z.literal('draining'), ...drainingSchema.shape }),
  ok: z.object({ type: z.literal('ok'), ...marked, sessionId: z.string().optional() }),
  error: z.object({ type: z.literal('error'), ...marked, error: streamErrorSchema }),
  pong: z.object({ type: z.literal('pong'), ...marked }),
} as const;

export type ServerFrame = { [K in keyof typeof SERVER_FRAMES]: z.infer<(typeof SERVER_FRAMES)[K]> }[keyof typeof SERVER_FRAMES];
