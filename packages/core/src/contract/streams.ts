/**
 * The streams of the gateway: what each carries in both directions. The AsyncAPI document is made
 * from this.
 */

import { z } from 'zod';
import { toClosing } from '../close-codes.ts';
import { type ErrorCode, RefusedError, toStreamError } from '../errors.ts';
import { handshakeSchema, sessionIdSchema, streamPasswordSchema, subscribeSchema, visibleSchema } from '../requests.ts';
import { CLIENT_FRAMES, closingSchema, drainingSchema, SERVER_FRAMES, streamErrorSchema } from '../stream-messages.ts';
import { freshSchema, wireSessionSchema } from '../wire.ts';
import { EXAMPLE_DETAILS, EXAMPLE_SHOWING, EXAMPLE_TICKET } from './examples.ts';

export interface Stream {
  readonly id: 'websocket' | 'socketio' | 'sse';
  readonly title: string;
  readonly address: string;
  readonly server: 'ws' | 'http';
  readonly description: string;
  /** By the name that a client sees: the name of an event, or a frame's `type`. */
  readonly fromServer: Readonly<Record<string, StreamMessage>>;
  readonly fromClient: Readonly<Record<string, ClientMessage>>;
}

export interface StreamMessage {
  readonly summary: string;
  readonly payload: z.ZodType;
  readonly example: unknown;
  /** What is sent beside the payload: the fields of an event in Server-Sent Events. */
  readonly headers?: z.ZodType;
}

export interface ClientMessage extends StreamMessage {
  /** The names of the server's messages that may answer it. It gets one answer. */
  readonly answers: readonly string[];
}

const { id: sessionId, version } = EXAMPLE_SHOWING;
const FRESH = { id: sessionId, version: version + 5_000, staleAt: 1_790_000_026_234 };
const PASSWORD = 'correct horse battery staple';
const { ticket } = EXAMPLE_TICKET;
const refusal = (code: ErrorCode) => toStreamError(new RefusedError(code, EXAMPLE_DETAILS[code]));

const WORDS = {
  session: 'A newer state, complete',
  fresh: 'The provider confirmed the same code: a later `staleAt` and a new version',
  draining: 'This gateway is stopping. The connection is closed right after this message',
  closing: 'Sent just before the connection is closed, with the reason',
  subscribe: 'Watch the session of the ticket, beginning with its current state',
  unsubscribe: 'Stop watching this session',
  password: "Send the account's cloud password. The ticket needs the scope `password`",
  resume: 'Begin a new attempt after a resumable end',
  start_over: 'Leave the password step for a new code. The ticket needs the scope `password`',
  visible: 'Whether anybody can see the code. A connection starts visible, unless its handshake says otherwise',
};

const WEBSOCKET: Stream = {
  id: 'websocket',
  title: 'WebSocket',
  address: '/v1/ws',
  server: 'ws',
  description: [
    'The subprotocol is `qrcast.v1`. Each text frame holds one JSON object, whose `type` says what it is.',
    'The first `subscribe` must come within 10 s of opening, and a connection that watches nothing for 10 s is closed. Choose any number or string as `ref`; the answer contains it. The answer is `ok` to an accepted call and `error` to a refused one. `session` frames follow an accepted `subscribe`.',
    'A refused call leaves the connection open, unless the ticket of the first `subscribe` is refused: then the connection is closed. The close reason is the word of the close code. A connection may watch 100 sessions, and send frames of 16 KiB and 20 frames a second (200 at once).',
  ].join('\n\n'),
  fromServer: {
    session: { summary: WORDS.session, payload: SERVER_FRAMES.session, example: { type: 'session', session: EXAMPLE_SHOWING } },
    fresh: { summary: WORDS.fresh, payload: SERVER_FRAMES.fresh, example: { type: 'fresh', ...FRESH } },
    draining: { summary: WORDS.draining, payload: SERVER_FRAMES.draining, example: { type: 'draining', retryAfterMs: 327 } },
    ok: {
      summary: 'The call was accepted. For a `subscribe` it contains the session',
      payload: SERVER_FRAMES.ok,
      example: { type: 'ok', ref: 1, sessionId },
    },
    error: {
      summary: 'The call was refused',
      payload: SERVER_FRAMES.error,
      example: { type: 'error', ref: 2, error: refusal('not_waiting_for_password') },
    },
    pong: { summary: 'The answer to `ping`', payload: SERVER_FRAMES.pong, example: { type: 'pong', ref: 3 } },
  },
  fromClient: {
    subscribe: {
      summary: WORDS.subscribe,
      payload: CLIENT_FRAMES.subscribe,
      example: { type: 'subscribe', ref: 1, ticket, formats: ['text'], after: 6 },
      answers: ['ok', 'error'],
    },
    unsubscribe: {
      summary: WORDS.unsubscribe,
      payload: CLIENT_FRAMES.unsubscribe,
      example: { type: 'unsubscribe', ref: 4, sessionId },
      answers: ['ok', 'error'],
    },
    password: {
      summary: WORDS.password,
      payload: CLIENT_FRAMES.password,
      example: { type: 'password', ref: 2, sessionId, password: PASSWORD },
      answers: ['ok', 'error'],
    },
    resume: {
      summary: WORDS.resume,
      payload: CLIENT_FRAMES.resume,
      example: { type: 'resume', ref: 5, sessionId },
      answers: ['ok', 'error'],
    },
    start_over: {
      summary: WORDS.start_over,
      payload: CLIENT_FRAMES.start_over,
      example: { type: 'start_over', ref: 6, sessionId },
      answers: ['ok', 'error'],
    },
    visible: {
      summary: WORDS.visible,
      payload: CLIENT_FRAMES.visible,
      example: { type: 'visible', visible: false },
      answers: ['ok', 'error'],
    },
    ping: { summary: 'Are you there?', payload: CLIENT_FRAMES.ping, example: { type: 'ping', ref: 3 }, answers: ['pong', 'error'] },
  },
};

const accepted = z.object({ ok: z.literal(true) }).meta({ id: 'Accepted', description: 'An acknowledgement: the call was accepted' });
const subscribed = z
  .object({
    ok: z.literal(true),
    session: wireSessionSchema.describe('The current state. It also comes as an event, unless `after` says that you have it'),
  })
  .meta({ id: 'Subscribed' });
const refused = z.object({ ok: z.literal(false), error: streamErrorSchema }).meta({ id: 'Refused' });
const connectError = z
  .object({ message: z.string().describe('The code'), data: streamErrorSchema.describe('`err.data` in a stock client') })
  .meta({ id: 'ConnectError' });

const SOCKETIO: Stream = {
  id: 'socketio',
  title: 'Socket.IO',
  address: '/socket.io',
  server: 'ws',
  description: [
    'The stock Socket.IO protocol: path `/socket.io`, namespace `/`, over WebSocket or HTTP polling. Connect with `io(url, { auth: { ticket, formats?, after?, visible? } })`. A refused handshake is a `connect_error`.',
    "If there are several gateways behind a balancer, polling needs all requests of a client at one gateway. Cookies cannot do that for a page on another origin. Use `transports: ['websocket']`, or let the balancer route by the client's address or by a query of your own choice, `query: { affinity: '…' }`.",
    'The client may send every event with an acknowledgement. A refused call never ends the connection. The server sends `closing` before it disconnects. Stock clients do not reconnect by themselves after that.',
  ].join('\n\n'),
  fromServer: {
    session: { summary: WORDS.session, payload: wireSessionSchema, example: EXAMPLE_SHOWING },
    fresh: { summary: WORDS.fresh, payload: freshSchema, example: FRESH },
    draining: { summary: WORDS.draining, payload: drainingSchema, example: { retryAfterMs: 327 } },
    closing: { summary: WORDS.closing, payload: closingSchema, example: toClosing('ticket_expired') },
    connect_error: {
      summary: 'The handshake was refused',
      payload: connectError,
      example: { message: 'unauthenticated', data: refusal('unauthenticated') },
    },
    accepted: { summary: 'Acknowledges a call that was accepted', payload: accepted, example: { ok: true } },
    subscribed: { summary: 'Acknowledges `subscribe`', payload: subscribed, example: { ok: true, session: EXAMPLE_SHOWING } },
    refused: { summary: 'Acknowledges a call that was refused', payload: refused, example: { ok: false, error: refusal('not_found') } },
  },
  fromClient: {
    connect: {
      summary: 'The handshake, `auth`: watch the session of the ticket',
      payload: handshakeSchema,
      example: { ticket, after: 6, visible: true },
      answers: ['connect_error'],
    },
    subscribe: {
      summary: 'One more session on this connection',
      payload: subscribeSchema,
      example: { ticket },
      answers: ['subscribed', 'refused'],
    },
    unsubscribe: { summary: WORDS.unsubscribe, payload: sessionIdSchema, example: { sessionId }, answers: ['accepted', 'refused'] },
    password: {
      summary: WORDS.password,
      payload: streamPasswordSchema,
      example: { sessionId, password: PASSWORD },
      answers: ['accepted', 'refused'],
    },
    resume: { summary: WORDS.resume, payload: sessionIdSchema, example: { sessionId }, answers: ['accepted', 'refused'] },
    start_over: { summary: WORDS.start_over, payload: sessionIdSchema, example: { sessionId }, answers: ['accepted', 'refused'] },
    visible: { summary: WORDS.visible, payload: visibleSchema, example: { visible: false }, answers: ['accepted', 'refused'] },
  },
};

const eventFields = (event: string) => z.object({ event: z.literal(event).describe('The field `event:`') });
const versionedFields = (event: string) =>
  eventFields(event).extend({
    id: z.string().regex(/^\d+$/).describe('The field `id:`, the version. A client sends it back as `Last-Event-ID`'),
  });

const SSE: Stream = {
  id: 'sse',
  title: 'Server-Sent Events',
  address: '/v1/sessions/{id}/events',
  server: 'http',
  description:
    'One session over one GET with `Authorization: Bearer <ticket or API key>`. `/openapi.json` describes the call itself. The data of each event is one JSON object. The `id:` of `session` and `fresh` is the version. A comment comes every 15 s. The stream ends after `closing`. A reconnect with the final version is answered 204.',
  fromServer: {
    session: { summary: WORDS.session, payload: wireSessionSchema, example: EXAMPLE_SHOWING, headers: versionedFields('session') },
    fresh: { summary: WORDS.fresh, payload: freshSchema, example: FRESH, headers: versionedFields('fresh') },
    draining: { summary: WORDS.draining, payload: drainingSchema, example: { retryAfterMs: 327 }, headers: eventFields('draining') },
    closing: { summary: WORDS.closing, payload: closingSchema, example: toClosing('draining', 327), headers: eventFields('closing') },
  },
  fromClient: {},
};

export const STREAMS: readonly Stream[] = [WEBSOCKET, SOCKETIO, SSE];
