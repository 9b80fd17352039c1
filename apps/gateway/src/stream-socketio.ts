/**
 * Socket.IO, the stock protocol on the default path and namespace: handshake, events and acknowledgements of the public contract on one
 * side, the hub on the other.
 */

import type { Server as HttpServer } from 'node:http';
import { CLOSE_CODES, type CloseReason, type Closing, toClosing } from '@qrcast/core/close-codes';
import { RefusedError, toStreamError } from '@qrcast/core/errors';
import { parseRequest, sessionIdSchema, streamPasswordSchema, subscribeSchema, visibleSchema } from '@qrcast/core/requests';
import type { Logger } from '@qrcast/runtime/log';
import { Server, type Socket } from 'socket.io';
import type { z } from 'zod';
import { type Auth, requireScope } from './auth.ts';
import { trackConnections } from './connections.ts';
import { refusalOf } from './http-server.ts';
import type { Hub, Sink, Subscription } from './hub.ts';
import type { PasswordStep } from './password-step.ts';
import type { Revocations } from './revocations.ts';
import type { SessionService } from './session-service.ts';
import { emitThen, rawWebSocket } from './socketio-credit.ts';
import type { Ticket } from './tickets.ts';

export interface SocketIoDeps {
  readonly auth: Auth;
  readonly hub: Hub;
  readonly service: SessionService;
  readonly passwordStep: PasswordStep;
  readonly revocations: Revocations;
  readonly maxConnections: number;
  readonly log: Logger;
}

export interface SocketIoStream {
  /** Tells all to go elsewhere, spread over `drainMs`, and disconnects them. */
  drain(drainMs: number): Promise<void>;
  close(): Promise<void>;
}

/** A message of ours is a ticket or a password: small. */
const MAX_MESSAGE_BYTES = 16 * 1024;
/** To send the handshake's CONNECT packet. */
const CONNECT_WITHIN_MS = 5_000;
/** A client that has not read why it is closed by then is closed all the same. */
const CLOSE_WITHIN_MS = 1_000;
/** Connections above the limit that wait for their refusal. */
const MAX_REFUSED_AT_ONCE = 200;
const MESSAGES_PER_SECOND = 20;
const MESSAGE_BURST = 200;
/** Sessions on one connection. */
const MAX_SUBSCRIPTIONS = 100;

interface Subscribed {
  readonly subscription: Subscription;
  readonly ticket: Ticket;
  readonly release: () => void;
}

export function openSocketIo(http: HttpServer, deps: SocketIoDeps): SocketIoStream {
  const { auth, log, maxConnections } = deps;
  const connections = trackConnections(http);
  const io = new Server(http, {
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    connectTimeout: CONNECT_WITHIN_MS,
    cors: { origin: '*' }, // no cookie is ever used; a ticket names the origins it may be used from
    // A connection too many is told so in the handshake, in words; one far too many is not even taken.
    allowRequest: (_request, decide) => {
      const hasRoom = io.engine.clientsCount < maxConnections + MAX_REFUSED_AT_ONCE;
      decide(hasRoom ? null : 'unavailable', hasRoom);
    },
  });
  let isDraining = false;

  function requireRoom(): void {
    if (!isDraining && io.engine.clientsCount <= maxConnections) return;
    const why = isDraining ? 'this gateway is stopping' : 'this gateway has as many connections as it takes';
    throw new RefusedError('unavailable', `${why}; connect again`, { retryAfterMs: 1_000 });
  }

  /** Connections with a socket, or one on its way: a burst of CONNECTs on one connection would otherwise all be taken. */
  const taken = new WeakSet<Socket['conn']>();

  io.use((socket, next) => {
    const { origin } = socket.handshake.headers;
    Promise.resolve()
      .then(async () => {
        if (taken.has(socket.conn))
          throw new RefusedError('too_many_requests', 'one socket on a connection; subscribe to more sessions with it');
        taken.add(socket.conn);
        requireRoom();
        const request = parseRequest(subscribeSchema, socket.handshake.auth);
        const { ticket } = await auth.identifyTicket(request.ticket, origin);
        requireScope({ kind: 'viewer', tenantId: ticket.tenantId, ticket }, 'view');
        await deps.service.find(ticket.sessionId);
        socket.data = { request, ticket };
      })
      .then(
        () => next(),
        (error: unknown) => {
          const refusal = refusalOf(error, log, 'socket.io handshake');
          next(Object.assign(new Error(refusal.code), { data: toStreamError(refusal) }));
        },
      );
  });
  io.on('connection', (socket) => serve(socket, deps));

  return {
    async drain(drainMs) {
      isDraining = true;
      const sockets = [...io.sockets.sockets.values()];
      await Promise.all(sockets.map((socket, i) => drainSocket(socket, Math.round((drainMs * i) / sockets.length))));
    },
    async close() {
      io.disconnectSockets(true);
      const closed = io.close(); // the HTTP server as well: held requests and clients that do not read would keep it open
      const timer = setTimeout(() => connections.cut(), CLOSE_WITHIN_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** A hint spread over a second keeps the clients of one gateway from coming back at the same moment. */
function drainSocket(socket: Socket, afterMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      const retryAfterMs = Math.round(Math.random() * 1_000);
      socket.emit('draining', { retryAfterMs });
      closeSocket(socket, toClosing('draining', retryAfterMs));
    }, afterMs);
    socket.once('disconnect', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Says why, and disconnects once that has been read, or has not been for too long. */
function closeSocket(socket: Socket, closing: Closing): void {
  const raw = rawWebSocket(socket.conn.transport);
  const timer = setTimeout(() => {
    socket.disconnect(true);
    raw?.terminate(); // a polite close would wait for what is not read
  }, CLOSE_WITHIN_MS);
  raw?.once('close', () => clearTimeout(timer));
  if (raw === null) socket.once('disconnect', () => clearTimeout(timer));
  emitThen(
    socket,
    () => socket.emit('closing', closing),
    () => socket.disconnect(true),
  );
}

/** One connection: its subscriptions, and the events a client may send. All of it ends with the connection. */
function serve(socket: Socket, deps: SocketIoDeps): void {
  const { auth, hub, service, passwordStep, revocations, log } = deps;
  const subscribed = new Map<string, Subscribed>();
  let isVisible = true;
  let spare = MESSAGE_BURST;
  let countedAt = performance.now();

  /** A stock client sends a few messages in its life. What comes as a flood would be answered with pictures, outside any credit. */
  socket.use((_event, next) => {
    const now = performance.now();
    spare = Math.min(MESSAGE_BURST, spare + ((now - countedAt) / 1_000) * MESSAGES_PER_SECOND) - 1;
    countedAt = now;
    if (spare > 0) next();
    else closeWith('too_many_requests');
  });

  function closeWith(reason: CloseReason): void {
    if (!socket.connected) return;
    for (const sessionId of [...subscribed.keys()]) leave(sessionId); // at once: nothing follows, however slowly it closes
    closeSocket(socket, toClosing(reason));
  }

  function leave(sessionId: string): void {
    const one = subscribed.get(sessionId);
    if (one === undefined) return;
    subscribed.delete(sessionId);
    one.release();
    one.subscription.close();
  }

  function sinkFor(sessionId: string): Sink {
    return {
      send(message, sent) {
        emitThen(socket, () => socket.emit(message.kind, message.kind === 'session' ? message.session : message.fresh), sent);
      },
      close(reason) {
        leave(sessionId);
        // A finished session closes the connection only if nothing else is watched on it.
        if (reason !== 'done' || subscribed.size === 0) closeWith(reason);
      },
    };
  }

  async function subscribe(request: z.output<typeof subscribeSchema>, ticket: Ticket): Promise<Subscription> {
    requireScope({ kind: 'viewer', tenantId: ticket.tenantId, ticket }, 'view');
    if (subscribed.size >= MAX_SUBSCRIPTIONS && !subscribed.has(ticket.sessionId)) {
      throw new RefusedError('too_many_requests', `at most ${MAX_SUBSCRIPTIONS} sessions on one connection; open another`);
    }
    leave(ticket.sessionId); // the newer subscription of a session replaces the older
    const { formats, after } = request;
    const subscription = hub.subscribe({
      sessionId: ticket.sessionId,
      sink: sinkFor(ticket.sessionId),
      isVisible,
      ...(formats === undefined ? {} : { formats }),
      ...(after === undefined ? {} : { after }),
    });
    const release = revocations.hold(ticket, (reason) => closeWith(reason));
    subscribed.set(ticket.sessionId, { subscription, ticket, release });
    return subscription;
  }

  function mine(sessionId: string): Ticket {
    const one = subscribed.get(sessionId);
    if (one === undefined) throw new RefusedError('not_found', 'this connection has no such session; subscribe to it first');
    return one.ticket;
  }

  /** `on(event, schema, run)`: parses, runs, acknowledges. A fault is the acknowledgement, never the end of the connection. */
  function on<T extends z.ZodType>(event: string, schema: T, run: (request: z.output<T>) => Promise<object>): void {
    socket.on(event, (body: unknown, ack: unknown) => {
      const reply = typeof ack === 'function' ? ack : typeof body === 'function' ? body : () => undefined;
      Promise.resolve()
        .then(() => run(parseRequest(schema, typeof body === 'function' ? undefined : body)))
        .then(
          (result) => reply({ ok: true, ...result }),
          (error: unknown) => reply({ ok: false, error: toStreamError(refusalOf(error, log, `socket.io ${event}`)) }),
        );
    });
  }

  on('subscribe', subscribeSchema, async (request) => {
    const { ticket } = await auth.identifyTicket(request.ticket, socket.handshake.headers.origin);
    await service.find(ticket.sessionId);
    if (!socket.connected) return {};
    const session = await (await subscribe(request, ticket)).first;
    if (session === null) throw new RefusedError('not_found', 'there is no such session, or it is not yours');
    return { session };
  });
  on('unsubscribe', sessionIdSchema, async ({ sessionId }) => {
    leave(sessionId);
    return {};
  });
  on('visible', visibleSchema, async ({ visible }) => {
    if (visible === isVisible) return {};
    isVisible = visible;
    for (const { subscription } of subscribed.values()) subscription.setVisible(visible);
    return {};
  });
  on('resume', sessionIdSchema, async ({ sessionId }) => {
    mine(sessionId);
    await service.resume(sessionId);
    return {};
  });
  on('password', streamPasswordSchema, async ({ sessionId, password }) => {
    const ticket = mine(sessionId);
    requireScope({ kind: 'viewer', tenantId: ticket.tenantId, ticket }, 'password');
    await passwordStep.submit(await service.find(sessionId), password);
    return {};
  });

  socket.on('disconnect', () => {
    for (const sessionId of [...subscribed.keys()]) leave(sessionId);
  });

  // Set by the handshake above.
  const { request, ticket } = socket.data as { request: z.output<typeof subscribeSchema>; ticket: Ticket };
  socket.data = {};
  subscribe(request, ticket)
    .then((subscription) => subscription.first)
    .then(
      (session) => session === null && closeWith('not_found'),
      (error: unknown) => {
        const refusal = refusalOf(error, log, 'socket.io connection');
        closeWith(refusal.code in CLOSE_CODES ? (refusal.code as CloseReason) : 'unavailable');
      },
    );
}
