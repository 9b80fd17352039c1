/**
 * The Socket.IO transport, for who has socket.io-client already: `transport: socketIo(io)`. The library is handed in, so this package does
 * without it. Its own reconnection is off: it jitters by half at most, knows no hint of the server, and does not come back from a refused
 * handshake or a disconnect by the server at all.
 */

import { LOST, parseClosed, parseDraining } from '../closed.ts';
import { isFresh, isSession } from '../messages.ts';
import type { Closed, Transport } from '../types.ts';

/** As much of a socket of socket.io-client as is used. */
export interface SocketIoSocket {
  on(event: string, listener: (body: unknown) => void): unknown;
  emit(event: string, body: unknown): unknown;
  disconnect(): unknown;
  readonly connected: boolean;
}

export interface SocketIoSettings {
  readonly auth: Record<string, unknown>;
  readonly path: string;
  /** In each request of one connection the same, so that a balancer can send them all to one gateway. No secret. */
  readonly query: { readonly affinity: string };
  readonly forceNew: true;
  readonly reconnection: false;
  /** Without it the second transport is never tried. */
  readonly tryAllTransports: true;
  readonly transports: ('polling' | 'websocket' | 'webtransport')[];
}

/** Of socket.io-client. */
export type SocketIoConnect = (url: string, settings: SocketIoSettings) => SocketIoSocket;

/** Without WebTransport, which no gateway serves: a try is two requests at the most. */
const DEFAULT_TRANSPORTS = ['polling', 'websocket'] as const;

/**
 * @param transports Socket.IO's own; the default begins with polling, which needs sticky routing where there are several gateways. A balancer
 * can route by the query `affinity`, which is sent along.
 */
export function socketIo(
  io: SocketIoConnect,
  transports: readonly ('polling' | 'websocket' | 'webtransport')[] = DEFAULT_TRANSPORTS,
): Transport {
  return {
    name: 'socket.io',
    open({ url, ticket, formats, after, visible: isVisibleFirst }, handlers) {
      let visible = isVisibleFirst;
      let isOver = false;
      /** What it ends with if nothing more is said. */
      let said = LOST;
      const { origin, pathname } = new URL(url);
      const socket = io(origin, {
        auth: { ticket, ...(visible ? {} : { visible }), ...(formats === undefined ? {} : { formats }), ...(after > 0 ? { after } : {}) },
        path: `${pathname.replace(/\/$/, '')}/socket.io`,
        query: { affinity: Math.random().toString(36).slice(2) },
        forceNew: true,
        reconnection: false,
        tryAllTransports: true,
        transports: [...transports],
      });

      function end(closed: Closed): void {
        if (isOver) return;
        isOver = true;
        socket.disconnect();
        handlers.onClosed(closed);
      }

      socket.on('connect', () => {
        handlers.onOpen();
        if (visible !== isVisibleFirst) socket.emit('visible', { visible });
      });
      socket.on('session', (body) => isSession(body) && handlers.onSession(body));
      socket.on('fresh', (body) => isFresh(body) && handlers.onFresh(body));
      socket.on('draining', (body) => {
        said = parseDraining(body);
      });
      socket.on('closing', (body) => end(parseClosed(body) ?? said));
      socket.on('disconnect', () => end(said));
      // One without data never got as far as the gateway's own words.
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
