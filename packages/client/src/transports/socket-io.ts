/**
 * The Socket.IO transport, for a page that uses socket.io-client already: `transport:
 * socketIo(io)`. The caller passes the library in, so this package does not depend on it. The
 * library's own reconnection is off. Its jitter is at most half, it ignores the server's hints, and
 * it does not reconnect at all after a refused handshake or a disconnect by the server.
 */

import { LOST, parseClosed, parseDraining } from '../closed.ts';
import { isFresh, isSession } from '../messages.ts';
import type { Closed, OpenRequest, Transport } from '../types.ts';

/** The part of a socket of socket.io-client that is used. */
export interface SocketIoSocket {
  on(event: string, listener: (body: unknown) => void): unknown;
  emit(event: string, body: unknown): unknown;
  disconnect(): unknown;
  readonly connected: boolean;
}

/** Socket.IO's own transports. */
export type SocketIoTransport = 'polling' | 'websocket' | 'webtransport';

export interface SocketIoSettings {
  readonly auth: Record<string, unknown>;
  readonly path: string;
  /**
   * The same in each request of one connection, so that a balancer can send them all to one
   * gateway. Not a secret.
   */
  readonly query: { readonly affinity: string };
  readonly forceNew: true;
  readonly reconnection: false;
  /** Without it socket.io-client never tries the second transport. */
  readonly tryAllTransports: true;
  readonly transports: SocketIoTransport[];
}

/** The function `io` of socket.io-client. */
export type SocketIoConnect = (url: string, settings: SocketIoSettings) => SocketIoSocket;

/** Without WebTransport, which no gateway serves. So one try makes two requests at most. */
const DEFAULT_TRANSPORTS = ['polling', 'websocket'] as const;

/**
 * Makes the option `transport` of `watchSession` from your own socket.io-client.
 *
 * @example
 * watchSession({ url, ticket, transport: socketIo(io, ['websocket']) });
 *
 * @param io of socket.io-client 4
 * @param transports Socket.IO's own transports. The default begins with polling, which needs sticky
 *   routing if there are several gateways. A balancer can route by the query `affinity`, which
 *   this transport sends
 */
export function socketIo(io: SocketIoConnect, transports: readonly SocketIoTransport[] = DEFAULT_TRANSPORTS): Transport {
  return {
    name: 'socket.io',
    open(request, handlers) {
      let { visible } = request;
      let isOver = false;
      /** How the connection ends if the server gives no other reason. */
      let said = LOST;
      const { origin, pathname } = new URL(request.url);
      const socket = io(origin, settingsFor(request, pathname, transports));

      function end(closed: Closed): void {
        if (isOver) return;
        isOver = true;
        socket.disconnect();
        handlers.onClosed(closed);
      }

      socket.on('connect', () => {
        handlers.onOpen();
        if (visible !== request.visible) socket.emit('visible', { visible });
      });
      socket.on('session', (body) => isSession(body) && handlers.onSession(body));
      socket.on('fresh', (body) => isFresh(body) && handlers.onFresh(body));
      socket.on('draining', (body) => {
        said = parseDraining(body);
      });
      socket.on('closing', (body) => end(parseClosed(body) ?? said));
      socket.on('disconnect', () => end(said));
      // An error without data did not come from the gateway.
      socket.on('connect_error', (error) => end(parseClosed((error as { readonly data?: unknown }).data) ?? LOST));

      return {
        setVisible(isVisible) {
          visible = isVisible;
          if (socket.connected) socket.emit('visible', { visible });
        },
        close() {
          isOver = true;
          socket.disconnect();
        },
      };
    },
  };
}

function settingsFor(
  { ticket, formats, after, visible }: OpenRequest,
  pathname: string,
  transports: readonly SocketIoTransport[],
): SocketIoSettings {
  return {
    auth: { ticket, ...(visible ? {} : { visible }), ...(formats === undefined ? {} : { formats }), ...(after > 0 ? { after } : {}) },
    path: `${pathname.replace(/\/$/, '')}/socket.io`,
    query: { affinity: Math.random().toString(36).slice(2) },
    forceNew: true,
    reconnection: false,
    tryAllTransports: true,
    transports: [...transports],
  };
}
