/**
 * When has a message really reached a Socket.IO client? Not when it was emitted, nor when the kernel took it: megabytes vanish into buffers.
 * A WebSocket ping sent behind it is answered by every client by itself, once it has read what came before; so the pong is the credit, and
 * clients need no acknowledgement of ours. On HTTP polling the client's next poll is: it asks again when it has read the last answer.
 */

import { randomBytes } from 'node:crypto';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';

type Connection = Socket['conn'];
type Sent = () => void;

/** One listener of each kind per connection, however many messages are under way on it. */
const senders = new WeakMap<Connection, (sent: Sent) => void>();

/** `emit` emits to this socket. Calls `sent` once when all of it has been read; never, if the connection ends first. */
export function emitThen(socket: Socket, emit: () => void, sent: Sent): void {
  const known = senders.get(socket.conn);
  const expect = known ?? creditOf(socket.conn);
  if (known === undefined) senders.set(socket.conn, expect);
  expect(sent); // first: within the emit the message may already be handed to the transport
  emit();
}

function creditOf(conn: Connection): (sent: Sent) => void {
  let undrained: Sent[] = [];
  let unread: Sent[] = [];
  const marked = new Map<string, readonly Sent[]>();

  const readAll = (): void => {
    const read = unread;
    unread = [];
    for (const sent of read) sent();
  };
  const readMarked = (data: Buffer): void => {
    const mark = data.toString('hex');
    const read = marked.get(mark) ?? [];
    marked.delete(mark);
    for (const sent of read) sent();
  };
  const listen = (): void => {
    rawWebSocket(conn.transport)?.on('pong', readMarked);
    // Before engine.io's own listener, which sends what has waited for the poll: that is not read yet.
    if (conn.transport.name === 'polling') conn.transport.prependListener('ready', readAll);
  };

  function mark(raw: WebSocket, drained: readonly Sent[]): void {
    const bytes = randomBytes(8);
    marked.set(bytes.toString('hex'), drained);
    // Behind the frames that the transport writes in this turn.
    setImmediate(() => {
      if (raw.readyState === raw.OPEN) raw.ping(bytes);
    });
  }

  listen();
  conn.on('upgrade', () => {
    readAll(); // a client upgrades when its last poll has been answered and read
    listen();
  });
  conn.on('drain', () => {
    const drained = undrained;
    undrained = [];
    const raw = rawWebSocket(conn.transport);
    if (raw === null) unread.push(...drained);
    else if (drained.length > 0) mark(raw, drained);
  });
  return (sent) => void undrained.push(sent);
}

/** engine.io keeps its WebSocket in `transport.socket`, untyped; covered by a test, for the field is internal. */
export function rawWebSocket(transport: unknown): WebSocket | null {
  const { name, socket } = transport as { name?: string; socket?: WebSocket };
  return name === 'websocket' && socket !== undefined && typeof socket.ping === 'function' ? socket : null;
}
