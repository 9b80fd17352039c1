/**
 * Socket.IO, the stock protocol on the default path and namespace: handshake, events and acknowledgements of the public contract on one
 * side, a viewer's connection on the other.
 */

import { type Server as HttpServer, type IncomingMessage, ServerResponse } from 'node:http';
import { type Closing, toClosing } from '@qrcast/core/close-codes';
import { RefusedError, toStreamError } from '@qrcast/core/errors';
import {
  handshakeSchema,
  parseRequest,
  sessionIdSchema,
  streamPasswordSchema,
  subscribeSchema,
  visibleSchema,
} from '@qrcast/core/requests';
import { errorFields, type Logger } from '@qrcast/runtime/log';
import { Server, type Socket } from 'socket.io';
import { type ServerOptions, WebSocketServer } from 'ws';
import type { z } from 'zod';
import type { AddressRates } from '../../auth/address-rates.ts';
import type { ViewerPrincipal } from '../../auth/auth.ts';
import { asCaller, type Caller, createCaller } from '../../auth/caller.ts';
import { PAGES_MAY_CALL } from '../../http/cross-origin.ts';
import { refusalOf } from '../../http/http-server.ts';
import { namesSecret } from '../../http/request-rules.ts';
import { wantsHtml } from '../../http/word-pages.ts';
import { admitViewer, closeReasonFor } from '../admit-viewer.ts';
import type { AnonymousConnection, ConnectionSlots } from '../connection-slots.ts';
import type { Sink } from '../delivery.ts';
import { SUBSCRIBE_WITHIN_MS } from '../idle-timeout.ts';
import { createMessageBudget, MAX_FRAGMENTS, MAX_MESSAGE_BYTES } from '../message-budget.ts';
import { CLOSE_WITHIN_MS, openViewerConnection, type ViewerConnectionDeps } from '../viewer-connection.ts';
import type { WatchPermit } from '../watch-permits.ts';
import { emitThen, rawWebSocket, whenRead } from './socketio-credit.ts';
import { cutUnread } from './socketio-read-timeout.ts';
import { requireUtf8 } from './socketio-text.ts';

export interface SocketIoDeps extends ViewerConnectionDeps {
  readonly slots: ConnectionSlots;
  readonly addressRates: AddressRates;
  readonly log: Logger;
  /** Answers what is no client of Socket.IO, as any other request. */
  readonly answerVisitor: (request: IncomingMessage, response: ServerResponse) => void;
}

/** What the handshake leaves for the connection. */
interface Admitted {
  readonly request: z.output<typeof handshakeSchema>;
  readonly viewer: ViewerPrincipal;
  readonly caller: Caller;
  readonly permit: WatchPermit;
  readonly takeSlot: () => void;
}

type Conn = Socket['conn'];

/** A connection, from its first byte to its last. */
interface Opened {
  readonly anonymous: AnonymousConnection;
  /** Its only one, on its way or served. */
  socket: Socket | null;
}

const PACKETS_PER_MESSAGE = 4;
const POLLING_METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'OPTIONS']);

/** What a served socket carries. */
interface Serving {
  /** Its subscriptions send nothing more. */
  readonly end: () => void;
}

/** Socket.IO's own copy of `ws` is older, and answers any number of pings of a client that reads nothing. */
class BoundedWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, maxFragments: MAX_FRAGMENTS } as ServerOptions); // not in its types yet
  }
}

/** `close` ends the HTTP server with it: Socket.IO knows no other way. */
export function openSocketIo(http: HttpServer, deps: SocketIoDeps): { close(): Promise<void> } {
  const { slots, log } = deps;
  const io = new Server(http, {
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    connectTimeout: SUBSCRIBE_WITHIN_MS, // longer than it takes to find out that Redis is out, or it would be closed without a word
    cors: PAGES_MAY_CALL, // without a list of headers it would allow whatever a preflight asks for
    destroyUpgrade: false, // it would cut plain WebSockets
    wsEngine: BoundedWebSocketServer,
    allowRequest: (request, decide) => {
      const refusal = namesSecret(request.url)
        ? 'invalid_request: the ticket belongs into auth, never into the URL'
        : (deps.addressRates.refuseHandshake(request)?.code ?? null);
      decide(refusal, refusal === null);
    },
  });
  // A person who opens the address in a browser. An upgrade has a stand-in for an answer, which answers nothing.
  io.engine.use((request: IncomingMessage, response: unknown, next: () => void) => {
    if (response instanceof ServerResponse && wantsHtml(request)) deps.answerVisitor(request, response);
    else next();
  });
  io.engine.use(requireUtf8);
  // engine.io answers any other method of a polling session with 500.
  io.engine.use((request: IncomingMessage, _response: unknown, next: (refusal?: Error) => void) => {
    next(POLLING_METHODS.has(request.method ?? '') ? undefined : new Error('expected GET, POST or OPTIONS'));
  });
  // What is no event (CONNECT, an ack) is answered, too, and a client that reads nothing would have it all kept for it. Looser than the
  // viewer's own budget, so that who floods with events is told why.
  io.engine.on('connection', (conn: Conn) => {
    const isWithinBudget = createMessageBudget(() => performance.now());
    let packets = 0;
    conn.on('packet', () => {
      packets += 1;
      if (packets % PACKETS_PER_MESSAGE === 0 && !isWithinBudget() && conn.readyState === 'open') cut(conn);
    });
  });
  io.engine.on('connection', (conn: Conn) => cutUnread(conn, () => cut(conn)));
  const opened = new WeakMap<Conn, Opened>();
  io.engine.on('connection', (conn: Conn) => {
    if (!slots.isDraining()) opened.set(conn, open(conn)); // else it is told so in the handshake
  });

  function open(conn: Conn): Opened {
    const group = deps.addressRates.groupOf(conn.request);
    const one: Opened = { socket: null, anonymous: slots.openAnonymous(group, leave, () => cut(conn)) };
    function leave(retryAfterMs: number): void {
      const { socket } = one;
      if (socket?.connected !== true) return void conn.close(true); // the handshake is not through
      (socket.data as Partial<Serving>).end?.(); // nothing follows its last words
      socket.emit('draining', { retryAfterMs });
      closeSocket(socket, toClosing('draining', retryAfterMs));
    }
    conn.once('close', one.anonymous.end);
    return one;
  }

  async function admit(socket: Socket): Promise<Admitted> {
    const { conn, handshake } = socket;
    const one = opened.get(conn) ?? open(conn);
    // A burst of CONNECTs on one connection would otherwise all be taken.
    if (one.socket !== null) throw new RefusedError('too_many_requests', 'one socket on a connection; subscribe to more sessions with it');
    one.socket = socket;
    const request = parseRequest(handshakeSchema, handshake.auth);
    const caller = createCaller(deps.addressRates.addressOf(socket.request), handshake.headers);
    const viewer = await asCaller(caller, () => admitViewer(deps, request.ticket, handshake.headers.origin));
    one.anonymous.takeSlot();
    const permit = await deps.permits.take(viewer, viewer.ticket.sessionId);
    if (conn.readyState === 'open') conn.once('close', permit.release);
    else permit.release(); // the client has gone meanwhile
    return { request, viewer, caller, permit, takeSlot: one.anonymous.takeSlot };
  }

  io.use((socket, next) => {
    admit(socket).then(
      (admitted) => {
        socket.data = admitted;
        next();
      },
      (error: unknown) => {
        const refusal = refusalOf(error, log, 'socket.io handshake');
        next(Object.assign(new Error(refusal.code), { data: toStreamError(refusal) }));
      },
    );
  });
  io.on('connection', (socket) => serve(socket, deps));

  return {
    async close() {
      io.disconnectSockets(true);
      await io.close();
    },
  };
}

export function isSocketIoPath(url: string | undefined): boolean {
  return url?.startsWith('/socket.io/') ?? false;
}

/** Without a word; a polite close would wait for what is not read, or for another poll. */
function cut(conn: Conn): void {
  const raw = rawWebSocket(conn.transport);
  if (raw === null) conn.close(true);
  else raw.terminate();
}

/** Says why, and disconnects once that has been read, or has not been for too long. */
function closeSocket(socket: Socket, closing: Closing): void {
  const raw = rawWebSocket(socket.conn.transport);
  const timer = setTimeout(() => {
    socket.disconnect(true);
    // A polite close would wait for what is not read, or for another poll.
    socket.conn.close(true);
    raw?.terminate();
  }, CLOSE_WITHIN_MS);
  raw?.once('close', () => clearTimeout(timer));
  if (raw === null) socket.once('disconnect', () => clearTimeout(timer));
  emitThen(
    socket,
    () => socket.emit('closing', closing),
    () => socket.disconnect(true),
  );
}

/** One connection, and the events its client may send. */
function serve(socket: Socket, deps: SocketIoDeps): void {
  const { viewer, request, permit, caller, takeSlot } = socket.data as Admitted; // set by the handshake above
  const sink: Sink = {
    send(message, sent) {
      emitThen(socket, () => socket.emit(message.kind, message.kind === 'session' ? message.session : message.fresh), sent);
    },
    close(reason) {
      if (socket.connected) closeSocket(socket, toClosing(reason));
    },
  };
  const connection = openViewerConnection(deps, { sink, origin: socket.handshake.headers.origin, takeSlot });
  socket.data = { end: connection.end } satisfies Serving;
  socket.use((_event, next) => {
    if (connection.mayTake()) next();
  });

  type Ack = (answer: object) => void;
  const accept = (_result: unknown, ack: Ack | null): void => ack?.({ ok: true });

  /** Parses, runs, acknowledges. A fault is the acknowledgement, never the end of the connection. */
  function on<T extends z.ZodType, R>(
    event: string,
    schema: T,
    run: (request: z.output<T>) => R | Promise<R>,
    answer: (result: R, ack: Ack | null) => void = accept,
  ): void {
    socket.on(event, (body: unknown, given: unknown) => {
      const ack = typeof given === 'function' ? given : typeof body === 'function' ? body : null;
      Promise.resolve()
        .then(() => asCaller(caller, () => run(parseRequest(schema, typeof body === 'function' ? undefined : body))))
        .then(
          (result) => answer(result, ack === null ? null : (told) => ack(told)),
          (error: unknown) => ack?.({ ok: false, error: toStreamError(refusalOf(error, deps.log, `socket.io ${event}`)) }),
        )
        .catch((error: unknown) => {
          deps.log.error({ event, ...errorFields(error) }, 'a call could not be answered');
          connection.close('unavailable');
        });
    });
  }

  on('subscribe', subscribeSchema, connection.subscribe, ({ session, begin, read }, ack) => {
    if (ack !== null) emitThen(socket, () => ack({ ok: true, session }), read);
    begin();
    if (ack === null) whenRead(socket, read); // there is no answer: what was sent of the session
  });
  on('unsubscribe', sessionIdSchema, connection.unsubscribe);
  on('visible', visibleSchema, connection.setVisible);
  on('resume', sessionIdSchema, connection.resume);
  on('start_over', sessionIdSchema, connection.startOver);
  on('password', streamPasswordSchema, connection.sendPassword);
  socket.on('disconnect', (reason) => {
    connection.end();
    if (reason === 'client namespace disconnect') socket.conn.close(true); // its only socket: the connection is of no use without
  });

  connection.setVisible({ visible: request.visible ?? true });
  asCaller(caller, () => connection.watch(viewer, request, permit)).then(
    (accepted) => accepted.begin(),
    (error: unknown) => connection.close(closeReasonFor(refusalOf(error, deps.log, 'socket.io connection')) ?? 'unavailable'),
  );
}
