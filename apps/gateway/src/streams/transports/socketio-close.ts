/** How a connection of Socket.IO is ended: without a word, with a reason, or by its client. */

import type { CloseReason, Closing } from '@qrcast/core/close-codes';
import type { Socket } from 'socket.io';
import { CLOSE_WITHIN_MS } from '../viewer-connection.ts';
import { emitThen, rawWebSocket } from './socketio-credit.ts';

const reasons = new WeakMap<Socket, CloseReason>();

/** Why we closed the socket; null if we did not. */
export const closedBy = (socket: Socket): CloseReason | null => reasons.get(socket) ?? null;

/** Ends the connection at once. A polite close would wait for unread data, or for another poll. */
export function cutConnection(conn: Socket['conn']): void {
  const raw = rawWebSocket(conn.transport);
  if (raw === null) conn.close(true);
  else raw.terminate();
}

/**
 * Ends a connection whose client says so over a WebSocket. There engine.io ignores the packet, and
 * the connection would hold its slot until a heartbeat is missed.
 */
export function endOnClosePacket(conn: Socket['conn']): void {
  conn.on('packet', ({ type }) => {
    if (type === 'close') conn.close(true);
  });
}

/**
 * Tells the reason, and disconnects when it has been read, or was not read for too long. A stock
 * client stays away after a disconnect. So a gateway that stops closes only the connection: then
 * the client looks for another gateway by itself.
 */
export function closeSocket(socket: Socket, closing: Closing): void {
  reasons.set(socket, closing.code);
  const leave = (): void => void (closing.code === 'draining' ? socket.conn.close() : socket.disconnect(true));
  const raw = rawWebSocket(socket.conn.transport);
  const timer = setTimeout(() => {
    leave();
    // A polite close would wait for unread data, or for another poll.
    socket.conn.close(true);
    raw?.terminate();
  }, CLOSE_WITHIN_MS);
  raw?.once('close', () => clearTimeout(timer));
  if (raw === null) socket.once('disconnect', () => clearTimeout(timer));
  emitThen(socket, () => socket.emit('closing', closing), leave);
}
