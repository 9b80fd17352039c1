/** For tests: a stock Socket.IO client that keeps all that it was sent. */

import type { WireSession } from '@qrcast/core/wire';
import { io, type Socket } from 'socket.io-client';
import type { WebSocket } from 'ws';
import { createRecorder, type Told } from './recorder.ts';
import { streamContract } from './stream-contract.ts';

export interface StreamRefusal {
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
  /** Fields of `auth` beside the ticket. */
  readonly auth?: Readonly<Record<string, unknown>>;
  readonly transports?: ('websocket' | 'polling')[];
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Viewer extends Told {
  readonly socket: Socket;
  call(event: string, body: unknown): Promise<Ack>;
  /** The error that the handshake was refused with. */
  readonly refused: Promise<StreamRefusal>;
  readonly disconnected: Promise<string>;
  /** The client's WebSocket, to stop it from reading. */
  raw(): WebSocket;
}

export function openViewer(url: string, ticket: string, { auth = {}, transports = ['websocket'], headers = {} }: ViewerOptions): Viewer {
  const socket = io(url, { auth: { ticket, ...auth }, transports, extraHeaders: { ...headers }, reconnection: false, forceNew: true });
  socket.once('connect', () => streamContract.taken('socketio', 'connect', { ticket, ...auth }));
  const told = createRecorder();
  socket.onAny((event: string, body: unknown) => {
    streamContract.told('socketio', event, body);
    told.add(event, body);
  });

  return {
    socket,
    get order() {
      return told.order;
    },
    all: told.all,
    until: told.until,
    async call(event, body) {
      const ack = (await socket.emitWithAck(event, body)) as Ack; // checked next
      streamContract.answered('socketio', event, ack);
      if (ack.ok) streamContract.taken('socketio', event, body);
      return ack;
    },
    refused: new Promise((resolve) => {
      socket.once('connect_error', (error: Error & { data?: StreamRefusal }) => {
        if (error.data === undefined) return; // it failed before the handshake
        streamContract.told('socketio', 'connect_error', { message: error.message, data: error.data });
        resolve(error.data);
      });
    }),
    disconnected: new Promise((resolve) => socket.once('disconnect', (reason) => resolve(reason))),
    raw: () => (socket.io.engine.transport as unknown as { ws: WebSocket }).ws, // untyped in the client
  };
}
