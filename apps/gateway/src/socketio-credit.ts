/**
 * When has a message really reached a Socket.IO client? Not when it was emitted, nor when the kernel took it: megabytes vanish into buffers.
 * A WebSocket ping sent behind it is answered by every client by itself, once it has read what came before; so the pong is the credit, and
 * clients need no acknowledgement of ours. On HTTP polling the response that carries the message is.
 */

import { randomBytes } from 'node:crypto';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';

/** Calls `sent` once when all that was emitted before has been read; never, if the connection ends first. */
export function afterSent(socket: Socket, sent: () => void): void {
  const { conn } = socket;
  const raw = rawWebSocket(conn.transport);
  if (raw === null) {
    conn.once('drain', () => sent());
    return;
  }
  const mark = randomBytes(8);
  const onPong = (data: Buffer): void => {
    if (!data.equals(mark)) return;
    raw.off('pong', onPong);
    sent();
  };
  raw.on('pong', onPong);
  // Behind the frames that the transport writes in this turn.
  setImmediate(() => {
    if (raw.readyState === raw.OPEN) raw.ping(mark);
  });
}

/** engine.io keeps its WebSocket in `transport.socket`, untyped; covered by a test, for the field is internal. */
function rawWebSocket(transport: unknown): WebSocket | null {
  const { name, socket } = transport as { name?: string; socket?: WebSocket };
  return name === 'websocket' && socket !== undefined && typeof socket.ping === 'function' ? socket : null;
}
