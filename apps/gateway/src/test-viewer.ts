/** For tests: a stock Socket.IO client that keeps all it was told. */

import type { Closing } from '@qrcast/core/close-codes';
import type { Fresh, WireSession } from '@qrcast/core/wire';
import { io, type Socket } from 'socket.io-client';
import type { WebSocket } from 'ws';

/** Server events of the public contract. */
interface Events {
  session: WireSession;
  fresh: Fresh;
  draining: { readonly retryAfterMs: number };
  closing: Closing;
}

interface StreamRefusal {
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
}

export interface Ack {
  readonly ok: boolean;
  readonly session?: WireSession;
  readonly error?: StreamRefusal;
}

export interface ViewerOptions {
  /** Beside the ticket. */
  readonly auth?: Readonly<Record<string, unknown>>;
  readonly transports?: ('websocket' | 'polling')[];
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Viewer {
  readonly socket: Socket;
  /** Names of all events, in the order they came. */
  readonly order: readonly string[];
  all<E extends keyof Events>(event: E): readonly Events[E][];
  /** The first that fits, past or future. */
  until<E extends keyof Events>(event: E, fits?: (body: Events[E]) => boolean): Promise<Events[E]>;
  call(event: string, body: unknown): Promise<Ack>;
  /** Why the handshake was refused, as the client is told. */
  readonly refused: Promise<StreamRefusal>;
  readonly disconnected: Promise<string>;
  /** The client's WebSocket, to stop it from reading. */
  raw(): WebSocket;
}

export function openViewer(url: string, ticket: string, { auth = {}, transports = ['websocket'], headers = {} }: ViewerOptions): Viewer {
  const socket = io(url, { auth: { ticket, ...auth }, transports, extraHeaders: { ...headers }, reconnection: false, forceNew: true });
  const messages: { readonly event: string; readonly body: unknown }[] = [];
  const waiting = new Set<() => void>();
  socket.onAny((event: string, body: unknown) => {
    messages.push({ event, body });
    for (const look of waiting) look();
  });
  // The event's name tells its body; the tests check what they rely on.
  const all = <E extends keyof Events>(event: E) => messages.filter((one) => one.event === event).map(({ body }) => body as Events[E]);

  return {
    socket,
    get order() {
      return messages.map(({ event }) => event);
    },
    all,
    until(event, fits = () => true) {
      return new Promise((resolve) => {
        const look = (): void => {
          const found = all(event).find(fits);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
    call: (event, body) => socket.emitWithAck(event, body) as Promise<Ack>,
    refused: new Promise((resolve) => {
      socket.once('connect_error', (error: Error & { data?: StreamRefusal }) => {
        if (error.data !== undefined) resolve(error.data);
      });
    }),
    disconnected: new Promise((resolve) => socket.once('disconnect', (reason) => resolve(reason))),
    raw: () => (socket.io.engine.transport as unknown as { ws: WebSocket }).ws, // untyped in the client
  };
}
