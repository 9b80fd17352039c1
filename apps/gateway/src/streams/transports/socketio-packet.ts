/**
 * Sends a state to a viewer of Socket.IO. The library would make the packet, its JSON and its frame
 * for each viewer. Here all viewers who are owed the same get the same bytes.
 */

import type { Socket } from 'socket.io';
import type { ViewerMessage } from '../delivery.ts';
import { encodeOnce } from '../encode-once.ts';
import { joinBytes, type TextParts } from '../session-message.ts';
import { rawWebSocket } from './socketio-credit.ts';
import { textFrame } from './websocket-frame.ts';

/** A packet of the default namespace: 2 is EVENT. */
const partsOf = (message: ViewerMessage): TextParts => [
  `2["${message.kind}",`,
  ...(message.kind === 'session' ? message.json() : [JSON.stringify(message.fresh)]),
  ']',
];

/** 4 is the message of the engine, which has the packet. */
const frameOf = encodeOnce((message: ViewerMessage) => textFrame(['4', ...partsOf(message)]));
const packetOf = encodeOnce((message: ViewerMessage) => String(joinBytes(partsOf(message))));

/** As `socket.emit` with the kind of the message and what it tells. */
export function emitMessage({ conn }: Socket, message: ViewerMessage): void {
  const raw = rawWebSocket(conn.transport);
  // A frame that is made would go out behind that of a close.
  if (raw === null || raw.readyState !== raw.OPEN) return void conn.write(packetOf(message));
  // The adapters of Socket.IO send to a room by this option, which is not in the types.
  const options = { wsPreEncodedFrame: [frameOf(message)] } as object;
  conn.write('', options);
}
