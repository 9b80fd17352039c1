/**
 * Tells when a message has really reached a Socket.IO client. On a WebSocket the pong to a ping
 * that follows the message tells it (websocket-credit.ts). On HTTP polling the client's next poll
 * does, because a client asks again when it has read the last answer.
 */

import type { Histogram } from '@qrcast/runtime/metrics/meters';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import type { Sink } from '../delivery.ts';
import { openPingCredit, type PingCredit, sweepCredit } from './websocket-credit.ts';

type Connection = Socket['conn'];
type Sent = () => void;

/** Each connection has one listener of each kind, however many messages are under way on it. */
const credits = new WeakMap<Connection, Credit>();

interface Credit {
  /** Calls `sent` when the message that is emitted next has been read. */
  expect(sent: Sent, isAwaited: boolean): void;
  /** Calls `read` when all messages that were emitted before have been read. */
  whenRead(read: Sent): void;
  /** Calls `read` when all that was written to the WebSocket before has been read. */
  whenFrameRead(read: Sent, isAwaited: boolean): void;
  /** How many of all these wait. */
  unread(): number;
  askSoon(): false;
  /** As a sink says it. */
  askedAt(): number;
}

/**
 * Runs `emit`, which emits to this socket. Calls `sent` once when all of that has been read. Never
 * calls it if the connection ends first. `isAwaited`: finds out at once.
 */
export function emitThen(socket: Socket, emit: () => void, sent: Sent, isAwaited = true): void {
  creditFor(socket.conn).expect(sent, isAwaited); // first, because the emit may already pass the message to the transport
  emit();
}

/**
 * Calls `read` once when all that was emitted before has been read. Never calls it if the
 * connection ends first.
 */
export function whenRead(socket: Socket, read: Sent): void {
  creditFor(socket.conn).whenRead(read);
}

/** The same, of a frame that is written to the WebSocket of the socket now. */
export function whenFrameRead({ conn }: Socket, sent: Sent, isAwaited: boolean): void {
  creditFor(conn).whenFrameRead(sent, isAwaited);
}

/** What a sink of the socket says of its connection, on which `most` messages may be unread. */
export function roomOn({ conn }: Socket, most: number): Pick<Sink, 'hasRoom' | 'askedAt'> {
  return {
    hasRoom: () => creditFor(conn).unread() < most || creditFor(conn).askSoon(),
    askedAt: () => creditFor(conn).askedAt(),
  };
}

/** Call it before anything is sent. `took` gets the seconds from each ping to its pong. */
export function measurePongs({ conn }: Socket, took: Pick<Histogram, 'observe'>): void {
  credits.set(conn, openCredit(conn, took));
}

const UNMEASURED = { observe: () => undefined };

function creditFor(conn: Connection): Credit {
  const known = credits.get(conn);
  const credit = known ?? openCredit(conn, UNMEASURED);
  if (known === undefined) credits.set(conn, credit);
  return credit;
}

function openCredit(conn: Connection, took: Pick<Histogram, 'observe'>): Credit {
  let undrained: { readonly sent: Sent; readonly isAwaited: boolean }[] = [];
  let unread: Sent[] = [];
  let pingCredit: PingCredit | null = null;

  const readAll = (): void => {
    const read = unread;
    unread = [];
    for (const sent of read) sent();
  };
  const listen = (): void => {
    const raw = rawWebSocket(conn.transport);
    if (raw !== null) {
      pingCredit = openPingCredit(raw, false, took); // engine.io keeps it alive
      conn.once('close', sweepCredit(pingCredit));
    }
    // Before engine.io's own listener, which sends what waited for this poll and is not read yet.
    else conn.transport.prependListener('ready', readAll);
  };

  listen();
  conn.on('upgrade', () => {
    listen(); // before anything else is sent: the WebSocket gives the credit for that
    readAll(); // a client upgrades after it has read the answer to its last poll
  });
  conn.on('drain', () => {
    const drained = undrained;
    undrained = [];
    if (pingCredit === null) unread.push(...drained.map(({ sent }) => sent));
    else if (drained.length > 0) setImmediate(askAfterFrames, pingCredit, drained);
  });
  return {
    unread: () => undrained.length + unread.length + (pingCredit?.unread() ?? 0),
    askSoon: () => pingCredit?.askSoon() ?? false,
    // A ping cannot ask about messages that the transport has not taken yet.
    askedAt: () => (undrained.length > 0 ? 0 : (pingCredit?.askedAt() ?? 0)),
    expect: (sent, isAwaited) => void undrained.push({ sent, isAwaited }),
    whenFrameRead: (read, isAwaited) => pingCredit?.whenRead(read, isAwaited),
    whenRead(read) {
      const awaited = { sent: read, isAwaited: true };
      if (pingCredit !== null) setImmediate(askAfterFrames, pingCredit, [awaited]);
      else if (undrained.length > 0) undrained.push(awaited);
      else if (unread.length > 0) unread.push(read);
      else read();
    },
  };
}

/** In the next turn of the event loop, when the transport has written the frames. */
function askAfterFrames(credit: PingCredit, drained: readonly { readonly sent: Sent; readonly isAwaited: boolean }[]): void {
  for (const { sent, isAwaited } of drained) credit.whenRead(sent, isAwaited);
}

/**
 * engine.io keeps its WebSocket in `transport.socket`, untyped. The field is internal, so a test
 * covers it.
 */
export function rawWebSocket(transport: unknown): WebSocket | null {
  const { name, socket } = transport as { name?: string; socket?: WebSocket };
  return name === 'websocket' && socket !== undefined && typeof socket.ping === 'function' ? socket : null;
}
