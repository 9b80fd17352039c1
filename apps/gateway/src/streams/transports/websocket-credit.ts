/**
 * When has a frame really reached a WebSocket's client? Not when it was sent, nor when the kernel took it: megabytes vanish into buffers. A
 * ping sent behind it is answered by every client by itself, once it has read what came before; so the pong is the credit, and clients need
 * no acknowledgement of ours.
 */

import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';

/** Calls `read` once when the client has read all that was sent up to now; never, if the connection ends first. */
export type PingCredit = (read: () => void) => void;

/** One ping is under way at a time, for clients cut who sends many of them at once; what is sent meanwhile waits for the next. */
export function openPingCredit(raw: WebSocket): PingCredit {
  let asked: { readonly mark: Buffer; readonly reads: readonly (() => void)[] } | null = null;
  let waiting: (() => void)[] = [];

  function ask(): void {
    if (asked !== null || waiting.length === 0 || raw.readyState !== raw.OPEN) return;
    asked = { mark: randomBytes(8), reads: waiting }; // nobody can guess it, and be given credit for what he has not read
    waiting = [];
    raw.ping(asked.mark);
  }

  raw.on('pong', (data: Buffer) => {
    if (asked?.mark.equals(data) !== true) return;
    for (const read of asked.reads) read();
    asked = null;
    ask();
  });
  return (read) => {
    waiting.push(read);
    ask();
  };
}

/** A connection that carries nothing is cut by proxies, often after a minute; and one whose other end has gone would never be missed. */
export const PING_EVERY_MS = 25_000;
export const PONG_WITHIN_MS = 20_000;

/** Pings now and then, and cuts a connection that does not answer. Returns its undo. */
export function keepAlive(raw: WebSocket, credit: PingCredit): () => void {
  let unanswered: NodeJS.Timeout | undefined;
  const timer = setInterval(() => {
    unanswered = setTimeout(() => raw.terminate(), PONG_WITHIN_MS);
    credit(() => clearTimeout(unanswered));
  }, PING_EVERY_MS);
  return () => {
    clearInterval(timer);
    clearTimeout(unanswered);
  };
}
