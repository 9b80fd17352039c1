/** The two ways in which a connection of Socket.IO is ended: without a word, or with a reason. */

import type { Closing } from '@qrcast/core/close-codes';
import type { Socket } from 'socket.io';
import { CLOSE_WITHIN_MS } from '../viewer-connection.ts';
import { emitThen, rawWebSocket } from './socketio-credit.ts';

/** Ends the connection at once. A polite close would wait for unread data, or for another poll. */
export function cutConnection(conn: Socket['conn']): void {
  const raw = rawWebSocket(conn.transport);
  if (raw === null) conn.close(true);
  else raw.terminate();
}

/** Tells the reason, and disconnects when it has been read, or was not read for too long. */
export function closeSocket(socket: Socket, closing: Closing): void {
  const raw = rawWebSocket(socket.conn.transport);
  const timer = setTimeout(() => {
    socket.disconnect(true);
    // A polite close would wait for unread data, or for another poll.
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
