/**
 * Tells when a frame has really reached a WebSocket's client. That is neither when it was sent nor
 * when the kernel took it, because buffers hold megabytes. Every client answers a ping by itself,
 * after it has read what came before. So the pong to a ping that follows the frame is the credit,
 * and clients need no acknowledgement of ours.
 */

import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';

/**
 * Calls `read` once when the client has read all that was sent before. Never calls it if the
 * connection ends first.
 */
export type PingCredit = (read: () => void) => void;

/**
 * One ping is under way at a time, because clients cut a server that sends many at once. Credit for
 * what is sent meanwhile waits for the next ping.
 */
export function openPingCredit(raw: WebSocket): PingCredit {
  let asked: { readonly mark: Buffer; readonly reads: readonly (() => void)[] } | null = null;
  let waiting: (() => void)[] = [];

  function ask(): void {
    if (asked !== null || waiting.length === 0 || raw.readyState !== raw.OPEN) return;
    asked = { mark: randomBytes(8), reads: waiting }; // random, so that a client cannot guess it and get credit for what it has not read
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

/**
 * Proxies cut idle connections, often after a minute. And without pings a client that has vanished
 * would never be noticed.
 */
export const PING_EVERY_MS = 25_000;
export const PONG_WITHIN_MS = 20_000;

/** Pings every `PING_EVERY_MS`, and cuts a connection that does not answer. Returns its undo. */
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
