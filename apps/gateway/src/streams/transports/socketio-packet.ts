/**
 * Sends a state to a viewer of Socket.IO. Over a WebSocket the library would make the packet, its
 * JSON and its frame for each viewer, and pass it through a queue with events and callbacks. Here
 * all viewers who are owed the same get the same bytes, and they are written like those of a plain
 * WebSocket.
 */

import type { Duplex } from 'node:stream';
import type { Socket } from 'socket.io';
import type { ViewerMessage } from '../delivery.ts';
import { encodeOnce } from '../encode-once.ts';
import { joinBytes, type TextParts } from '../session-message.ts';
import { emitThen, rawWebSocket, whenFrameRead } from './socketio-credit.ts';
import { createFrameMemory, sendFrame } from './websocket-frame.ts';

/** A packet of the default namespace: 2 is EVENT. */
const partsOf = (message: ViewerMessage): TextParts => [
  `2["${message.kind}",`,
  ...(message.kind === 'session' ? message.json() : [JSON.stringify(message.fresh)]),
  ']',
];

/** 4 is the message of the engine, which has the packet. */
const frames = createFrameMemory((message: ViewerMessage) => ['4', ...partsOf(message)]);
const packetOf = encodeOnce((message: ViewerMessage) => String(joinBytes(partsOf(message))));

/**
 * As `socket.emit` with the kind of the message and what it tells. `sent`, `isAwaited`: as of
 * `emitThen`. Returns the bytes that were sent.
 */
export function sendMessage(socket: Socket, message: ViewerMessage, sent: () => void, isAwaited: boolean): number {
  const free = freeSocketOf(socket.conn);
  if (free !== null) return sendFrame(free, frames, message, () => whenFrameRead(socket, sent, isAwaited));
  const packet = packetOf(message);
  emitThen(socket, () => socket.conn.write(packet), sent, isAwaited);
  return Buffer.byteLength(packet);
}

/**
 * The connection under a WebSocket; null over polling, while a packet of the library waits, which
 * must go first, and when a close was sent. Both fields are internal, so a test covers them.
 */
function freeSocketOf(conn: Socket['conn']): Duplex | null {
  const raw = rawWebSocket(conn.transport) as { readonly readyState: number; readonly OPEN: number; readonly _socket?: Duplex } | null;
  const { writeBuffer } = conn as unknown as { readonly writeBuffer: readonly unknown[] };
  if (raw === null || raw.readyState !== raw.OPEN || writeBuffer.length > 0) return null;
  return raw._socket ?? null;
}
