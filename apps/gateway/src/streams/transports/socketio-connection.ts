/**
 * One connection of Socket.IO after its handshake: the events that its client may send, and what it
 * is sent.
 */

import { toClosing } from '@qrcast/core/close-codes';
import { RefusedError, toStreamError } from '@qrcast/core/errors';
import {
  type handshakeSchema,
  parseRequest,
  sessionIdSchema,
  streamPasswordSchema,
  subscribeSchema,
  visibleSchema,
} from '@qrcast/core/requests';
import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { Meters } from '@qrcast/runtime/metrics/meters';
import type { Socket } from 'socket.io';
import type { z } from 'zod';
import type { ViewerPrincipal } from '../../auth/auth.ts';
import { asCaller, type Caller } from '../../auth/caller.ts';
import { refusalOf } from '../../http/refusals.ts';
import { closeReasonFor } from '../admit-viewer.ts';
import { CONNECTION_WINDOW, type Sink } from '../delivery.ts';
import type { StreamMeters } from '../stream-meters.ts';
import { openViewerConnection, type ViewerConnection, type ViewerConnectionDeps } from '../viewer-connection.ts';
import type { WatchPermit } from '../watch-permits.ts';
import { closedBy, closeSocket } from './socketio-close.ts';
import { emitThen, measurePongs, roomOn, whenRead } from './socketio-credit.ts';
import { sendMessage } from './socketio-packet.ts';

export interface SocketIoConnectionDeps extends ViewerConnectionDeps {
  readonly streamMeters: StreamMeters;
  readonly meters: Meters;
  readonly log: Logger;
}

/** The result of a handshake. */
export interface Admitted {
  readonly request: z.output<typeof handshakeSchema>;
  readonly viewer: ViewerPrincipal;
  readonly caller: Caller;
  readonly permit: WatchPermit;
  readonly takeSlot: () => void;
}

/** Serves a socket until its disconnect. */
export function serveSocket(
  socket: Socket,
  { request, viewer, caller, permit, takeSlot }: Admitted,
  deps: SocketIoConnectionDeps,
): ViewerConnection {
  const { streamMeters } = deps;
  const sink = sinkOf(socket, streamMeters);
  const connection = openViewerConnection(deps, { sink, origin: socket.handshake.headers.origin, takeSlot });
  socket.use((_event, next) => {
    if (connection.mayTake()) next();
  });
  addCalls(socket, connection, caller, deps);
  socket.on('disconnect', (reason) => {
    connection.end();
    streamMeters.closed('socketio', closedBy(socket) ?? (LEFT.has(reason) ? 'client' : 'cut'));
    if (reason === 'client namespace disconnect') socket.conn.close(true); // it was the only socket of its connection
  });

  connection.setVisible({ visible: request.visible ?? true });
  asCaller(caller, () => connection.watch(viewer, request, permit)).then(
    (accepted) => accepted.begin(),
    (error: unknown) => connection.close(closeReasonFor(refusalOf(error, deps, 'socket.io connection')) ?? 'unavailable'),
  );
  return connection;
}

/** Socket.IO's words for a client that left. */
const LEFT: ReadonlySet<string> = new Set(['client namespace disconnect', 'transport close', 'transport error']);

function sinkOf(socket: Socket, { pingPong, bytes }: StreamMeters): Sink {
  measurePongs(socket, pingPong.socketio);
  return {
    transport: 'socketio',
    send(message, sent, isAwaited) {
      if (socket.connected) bytes.socketio.add(sendMessage(socket, message, sent, isAwaited));
    },
    ...roomOn(socket, CONNECTION_WINDOW),
    close(reason) {
      if (socket.connected) closeSocket(socket, toClosing(reason));
    },
  };
}

/** To a schema each byte would be an unknown field, and to list thousands of them takes long. */
function refuseBytes(body: unknown): unknown {
  if (Buffer.isBuffer(body)) throw new RefusedError('invalid_request', 'the request: expected object (came: bytes)');
  return body;
}

type Ack = (answer: object) => void;

/** Socket.IO passes it as the last argument, behind all those that the client has sent. */
function takeAck(given: unknown[]): Ack | null {
  return typeof given.at(-1) === 'function' ? (given.pop() as Ack) : null; // what a client sends holds no function
}

function addCalls(socket: Socket, connection: ViewerConnection, caller: Caller, deps: SocketIoConnectionDeps): void {
  const accept = (_result: unknown, ack: Ack | null): void => ack?.({ ok: true });

  /**
   * Parses the request, runs it and acknowledges it. A fault is told in the acknowledgement and
   * never ends the connection.
   */
  function on<T extends z.ZodType, R>(
    event: string,
    schema: T,
    run: (request: z.output<T>) => R | Promise<R>,
    answer: (result: R, ack: Ack | null) => void = accept,
  ): void {
    socket.on(event, (...given: unknown[]) => {
      const ack = takeAck(given);
      const [body] = given;
      Promise.resolve()
        .then(() => asCaller(caller, () => run(parseRequest(schema, refuseBytes(body)))))
        .then(
          (result) => answer(result, ack),
          (error: unknown) => {
            const refusal = refusalOf(error, deps, `socket.io ${event}`);
            ack?.({ ok: false, error: toStreamError(refusal) });
          },
        )
        .catch((error: unknown) => {
          deps.log.error({ event, ...errorFields(error) }, 'a call could not be answered; the connection is closed');
          connection.close('unavailable');
        });
    });
  }

  on(
    'subscribe',
    subscribeSchema,
    (request) => connection.subscribe(request),
    ({ session, begin, read }, ack) => {
      if (ack !== null) emitThen(socket, () => ack({ ok: true, session }), read);
      begin();
      if (ack === null) whenRead(socket, read); // without an answer, reading what was sent of the session counts
    },
  );
  on('unsubscribe', sessionIdSchema, (request) => connection.unsubscribe(request));
  on('visible', visibleSchema, (request) => connection.setVisible(request));
  on('resume', sessionIdSchema, (request) => connection.resume(request));
  on('start_over', sessionIdSchema, (request) => connection.startOver(request));
  on('password', streamPasswordSchema, (request) => connection.sendPassword(request));
}
