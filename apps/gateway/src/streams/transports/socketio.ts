/**
 * Socket.IO, the stock protocol on its default path and namespace. This file is the server and its
 * handshake. `socketio-connection.ts` is what follows.
 */

import { type Server as HttpServer, type IncomingMessage, ServerResponse } from 'node:http';
import { toClosing } from '@qrcast/core/close-codes';
import { RefusedError, toStreamError } from '@qrcast/core/errors';
import { handshakeSchema, parseRequest } from '@qrcast/core/requests';
import { Server, type Socket } from 'socket.io';
import { type ServerOptions, WebSocketServer } from 'ws';
import type { AddressRates } from '../../auth/address-rates.ts';
import { asCaller, createCaller } from '../../auth/caller.ts';
import { PAGES_MAY_CALL } from '../../http/cross-origin.ts';
import { countRefusal, refusalOf } from '../../http/refusals.ts';
import { namesSecret } from '../../http/request-rules.ts';
import { wantsHtml } from '../../http/word-pages.ts';
import { answerBusy, answerBusyUpgrade, type ConnectRate } from '../../limits/connect-rate.ts';
import { admitViewer } from '../admit-viewer.ts';
import type { AnonymousConnection, ConnectionSlots } from '../connection-slots.ts';
import { SUBSCRIBE_WITHIN_MS } from '../idle-timeout.ts';
import { createMessageBudget, MAX_FRAGMENTS, MAX_MESSAGE_BYTES } from '../message-budget.ts';
import { closeSocket, cutConnection, endOnClosePacket } from './socketio-close.ts';
import { type Admitted, type SocketIoConnectionDeps, serveSocket } from './socketio-connection.ts';
import { cutUnread } from './socketio-read-timeout.ts';
import { requireUtf8 } from './socketio-text.ts';

export interface SocketIoDeps extends SocketIoConnectionDeps {
  readonly slots: ConnectionSlots;
  readonly addressRates: AddressRates;
  readonly connectRate: ConnectRate;
  /** Answers a request that is no client of Socket.IO like any other request. */
  readonly answerVisitor: (request: IncomingMessage, response: ServerResponse) => void;
}

type Conn = Socket['conn'];

/** A connection, from its first byte to its last. */
interface Opened {
  readonly anonymous: AnonymousConnection;
  /** Its only socket, during the handshake or served. */
  socket: Socket | null;
  /** Ends what is served on the socket; null before. */
  endServed: (() => void) | null;
}

const PACKETS_PER_MESSAGE = 4;
const POLLING_METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'OPTIONS']);

/**
 * Socket.IO's own copy of `ws` is older, and answers any number of pings of a client that reads
 * nothing.
 */
class BoundedWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, maxFragments: MAX_FRAGMENTS } as ServerOptions); // not in its types yet
  }
}

/** `close` also closes the HTTP server, because Socket.IO does. */
export function openSocketIo(http: HttpServer, deps: SocketIoDeps): { close(): Promise<void> } {
  const io = createServer(http, deps);
  checkRequests(io, deps);
  boundConnections(io);
  io.engine.on('connection', endOnClosePacket);
  const openedOf = trackConnections(io, deps);
  io.use((socket, next) => {
    admit(socket, openedOf, deps).then(
      (admitted) => {
        socket.data = admitted;
        next();
      },
      (error: unknown) => {
        const refusal = refusalOf(error, deps, 'socket.io handshake');
        next(Object.assign(new Error(refusal.code), { data: toStreamError(refusal) }));
      },
    );
  });
  const connected = deps.meters.level('socket_io_connected', {});
  const [connects, disconnects] = [
    deps.meters.counter('socket_io_connect_total', {}),
    deps.meters.counter('socket_io_disconnect_total', {}),
  ];
  io.on('connection', (socket) => {
    connected.up();
    connects.add();
    socket.once('disconnect', () => {
      connected.down();
      disconnects.add();
    });
    const connection = serveSocket(socket, socket.data as Admitted, deps); // set by the handshake above
    openedOf(socket.conn).endServed = () => connection.end();
  });
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

function createServer(http: HttpServer, { addressRates, connectRate, slots, meters }: SocketIoDeps): Server {
  return new Server(http, {
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    connectTimeout: SUBSCRIBE_WITHIN_MS, // longer than it takes to notice that Redis is unreachable, or the client would be closed without a reason
    cors: PAGES_MAY_CALL, // without a list of headers it would allow whatever a preflight asks for
    destroyUpgrade: false, // it would cut plain WebSockets
    wsEngine: BoundedWebSocketServer,
    allowRequest: (request, decide) => {
      const limited = namesSecret(request.url) ? null : addressRates.refuseHandshake(request);
      const refusal = namesSecret(request.url)
        ? 'invalid_request: send the ticket in auth, never in the URL'
        : (limited?.code ?? (isOldUpgrade(request) ? 'invalid_request: expected EIO=4' : null));
      const busy = refusal === null ? (slots.isDraining() ? stopping() : connectRate.refuse()) : null;
      const counted = busy ?? limited ?? (refusal === null ? null : new RefusedError('invalid_request', refusal));
      if (counted !== null) countRefusal({ meters }, counted);
      if (busy === null) decide(refusal, refusal === null);
      else refuseBusy(request, busy);
    },
  });
}

/** A stock client tries again after it; after a refused CONNECT it would stay away for ever. */
const stopping = (): RefusedError => new RefusedError('unavailable', 'this gateway is stopping; connect again', { retryAfterMs: 1_000 });

/**
 * The engine would accept the upgrade, and then write an HTTP answer into the WebSocket. By polling
 * it refuses an old client itself.
 */
function isOldUpgrade(request: IncomingMessage & { readonly res?: unknown }): boolean {
  const isUpgrade = !(request.res instanceof ServerResponse);
  return isUpgrade && new URL(request.url ?? '', 'http://any').searchParams.getAll('EIO').at(-1) !== '4';
}

/** The engine itself can refuse with 400 or 403 alone, and without a header. */
function refuseBusy(request: IncomingMessage & { readonly res?: unknown }, busy: RefusedError): void {
  if (request.res instanceof ServerResponse) answerBusy(request.res, busy);
  else answerBusyUpgrade(request.socket, busy);
}

function checkRequests(io: Server, { answerVisitor }: SocketIoDeps): void {
  // A person who opens the address in a browser. For an upgrade the engine passes a stand-in, which
  // answers nothing.
  io.engine.use((request: IncomingMessage, response: unknown, next: () => void) => {
    if (response instanceof ServerResponse && wantsHtml(request)) answerVisitor(request, response);
    else next();
  });
  io.engine.use(requireUtf8);
  // engine.io answers any other method of a polling session with 500.
  io.engine.use((request: IncomingMessage, _response: unknown, next: (refusal?: Error) => void) => {
    next(POLLING_METHODS.has(request.method ?? '') ? undefined : new Error('expected GET, POST or OPTIONS'));
  });
}

function boundConnections(io: Server): void {
  // Packets that are no events (CONNECT, an ack) are answered, too, and a client that reads nothing
  // would have all the answers kept for it. The bound is looser than the viewer's own budget, so
  // that a client that floods with events is told why.
  io.engine.on('connection', (conn: Conn) => {
    const isWithinBudget = createMessageBudget(() => performance.now());
    let packets = 0;
    conn.on('packet', () => {
      packets += 1;
      if (packets % PACKETS_PER_MESSAGE === 0 && !isWithinBudget() && conn.readyState === 'open') cutConnection(conn);
    });
  });
  io.engine.on('connection', (conn: Conn) => cutUnread(conn, () => cutConnection(conn)));
}

/**
 * Counts each connection as anonymous from its first byte. Returns the look-up of a connection,
 * which throws a `RefusedError` for one that came while the gateway stops.
 */
function trackConnections(io: Server, { slots, addressRates, streamMeters }: SocketIoDeps): (conn: Conn) => Opened {
  const opened = new WeakMap<Conn, Opened>();

  function open(conn: Conn): Opened {
    const leave = (retryAfterMs: number): void => drain(conn, one, retryAfterMs);
    const anonymous = slots.openAnonymous('socketio', addressRates.groupOf(conn.request), leave, () => cutConnection(conn));
    const one: Opened = { anonymous, socket: null, endServed: null };
    opened.set(conn, one);
    conn.once('close', () => {
      // Its ticket was good, and something else refused it, or its client left meanwhile.
      if (anonymous.hasSlot() && one.endServed === null) streamMeters.closed('socketio', 'client');
      anonymous.end();
    });
    return one;
  }

  io.engine.on('connection', (conn: Conn) => {
    if (!slots.isDraining()) open(conn); // else the handshake is refused, with the reason
  });
  return (conn) => opened.get(conn) ?? open(conn);
}

function drain(conn: Conn, { socket, endServed }: Opened, retryAfterMs: number): void {
  if (socket?.connected !== true) return void conn.close(true); // the handshake is not complete
  endServed?.(); // nothing is sent after the reason
  socket.emit('draining', { retryAfterMs });
  closeSocket(socket, toClosing('draining', retryAfterMs));
}

async function admit(socket: Socket, openedOf: (conn: Conn) => Opened, deps: SocketIoDeps): Promise<Admitted> {
  const { conn, handshake } = socket;
  const opened = openedOf(conn);
  // Or a burst of CONNECTs on one connection would all be admitted.
  if (opened.socket !== null) throw new RefusedError('too_many_requests', 'one socket on a connection; subscribe to more sessions with it');
  opened.socket = socket;
  const request = parseRequest(handshakeSchema, handshake.auth);
  const caller = createCaller(deps.addressRates.addressOf(socket.request), handshake.headers);
  const viewer = await asCaller(caller, () => admitViewer(deps, request.ticket, handshake.headers.origin));
  const { takeSlot } = opened.anonymous;
  takeSlot();
  const permit = await deps.permits.take(viewer, viewer.ticket.sessionId);
  if (conn.readyState === 'open') conn.once('close', () => permit.release());
  else permit.release(); // the client has gone meanwhile
  return { request, viewer, caller, permit, takeSlot };
}
