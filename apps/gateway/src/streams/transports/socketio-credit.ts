/**
 * When has a message really reached a Socket.IO client? On a WebSocket the pong to a ping behind it tells (transports/websocket-credit.ts). On HTTP polling
 * the client's next poll does: it asks again when it has read the last answer.
 */

import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import { openPingCredit, type PingCredit } from './websocket-credit.ts';

type Connection = Socket['conn'];
type Sent = () => void;

/** One listener of each kind per connection, however many messages are under way on it. */
const credits = new WeakMap<Connection, Credit>();

interface Credit {
  /** Of the message that is emitted next. */
  expect(sent: Sent): void;
  /** Of all that was emitted up to now. */
  whenRead(read: Sent): void;
}

/** `emit` emits to this socket. Calls `sent` once when all of it has been read; never, if the connection ends first. */
export function emitThen(socket: Socket, emit: () => void, sent: Sent): void {
  creditFor(socket.conn).expect(sent); // first: within the emit the message may already be handed to the transport
  emit();
}

/** Calls `read` once when all that was emitted up to now has been read; never, if the connection ends first. */
export function whenRead(socket: Socket, read: Sent): void {
  creditFor(socket.conn).whenRead(read);
}

function creditFor(conn: Connection): Credit {
  const known = credits.get(conn);
  const credit = known ?? openCredit(conn);
  if (known === undefined) credits.set(conn, credit);
  return credit;
}

function openCredit(conn: Connection): Credit {
  let undrained: Sent[] = [];
  let unread: Sent[] = [];
  let pingCredit: PingCredit | null = null;

  const readAll = (): void => {
    const read = unread;
    unread = [];
    for (const sent of read) sent();
  };
  const listen = (): void => {
    const raw = rawWebSocket(conn.transport);
    if (raw !== null) pingCredit = openPingCredit(raw);
    // Before engine.io's own listener, which sends what has waited for the poll: that is not read yet.
    else conn.transport.prependListener('ready', readAll);
  };

  listen();
  conn.on('upgrade', () => {
    listen(); // before anything else is sent: its credit comes over the WebSocket already
    readAll(); // a client upgrades when its last poll has been answered and read
  });
  conn.on('drain', () => {
    const drained = undrained;
    undrained = [];
    if (pingCredit === null) {
      unread.push(...drained);
    } else if (drained.length > 0) {
      // Behind the frames that the transport writes in this turn.
      setImmediate(pingCredit, () => {
        for (const sent of drained) sent();
      });
    }
  });
  return {
    expect: (sent) => void undrained.push(sent),
    whenRead(read) {
      if (pingCredit !== null) setImmediate(pingCredit, read);
      else if (undrained.length > 0) undrained.push(read);
      else if (unread.length > 0) unread.push(read);
      else read();
    },
  };
}

/** engine.io keeps its WebSocket in `transport.socket`, untyped; covered by a test, for the field is internal. */
export function rawWebSocket(transport: unknown): WebSocket | null {
  const { name, socket } = transport as { name?: string; socket?: WebSocket };
  return name === 'websocket' && socket !== undefined && typeof socket.ping === 'function' ? socket : null;
}
