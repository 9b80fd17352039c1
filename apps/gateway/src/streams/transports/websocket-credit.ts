/**
 * Tells when a frame has really reached a WebSocket's client. That is neither when it was sent nor
 * when the kernel took it, because buffers hold megabytes. Every client answers a ping by itself,
 * after it has read what came before. So the pong to a ping that follows the frame is the credit,
 * and clients need no acknowledgement of ours.
 *
 * One ping serves several frames, because ping and pong cost as much as a frame. It is sent behind
 * the frame with which `ASK_AFTER` are unread, behind a frame whose reading somebody awaits, and
 * when frames have been unread for `ASK_WITHIN_MS`. One is under way at a time, because clients cut
 * a server that sends many at once. What is sent meanwhile waits for the next.
 */

import { randomFillSync } from 'node:crypto';
import type { WebSocket } from 'ws';

export interface PingCredit {
  /**
   * Calls `read` once when the client has read all that was sent before. Never calls it if the
   * connection ends first. `isAwaited`: finds out now.
   */
  whenRead(read: () => void, isAwaited: boolean): void;
  /** How many calls of `whenRead` wait. */
  unread(): number;
  /** For `sweepCredit`. @param now by `performance.now()` */
  sweep(now: number): void;
}

/** Frames unread. Below `WINDOW` of ../delivery.ts, so that a client that reads is never waited for. */
export const ASK_AFTER = 6;
/** So a client that reads nothing is known well before its time for a message is over. */
export const ASK_WITHIN_MS = 8_000;
/**
 * Proxies cut idle connections, often after a minute. And without pings a client that has vanished
 * would never be noticed.
 */
export const PING_EVERY_MS = 25_000;
export const PONG_WITHIN_MS = 20_000;

/** @param keepsAlive whether it also pings an idle client, and cuts one that does not answer */
export function openPingCredit(raw: WebSocket, keepsAlive: boolean): PingCredit {
  let asked: { readonly mark: Buffer; readonly reads: readonly (() => void)[] } | null = null;
  let askedAt = performance.now();
  let waiting: (() => void)[] = [];
  let waitingSince = 0;
  let isAwaited = false;
  // The first ping of each connection at random, so that the pongs of many viewers do not come at once.
  let askAfter = 1 + Math.floor(Math.random() * ASK_AFTER);

  function ask(): void {
    if (asked !== null || raw.readyState !== raw.OPEN) return;
    asked = { mark: nextMark(), reads: waiting };
    askedAt = performance.now();
    waiting = [];
    isAwaited = false;
    askAfter = ASK_AFTER;
    raw.ping(asked.mark);
  }

  raw.on('pong', (data: Buffer) => {
    if (asked?.mark.equals(data) !== true) return;
    const { reads } = asked;
    asked = null;
    for (const read of reads) read();
    if (isAwaited || waiting.length >= askAfter) ask();
  });
  return {
    whenRead(read, isNowAwaited) {
      if (waiting.length === 0) waitingSince = performance.now();
      waiting.push(read);
      isAwaited ||= isNowAwaited;
      if (isAwaited || waiting.length >= askAfter) ask();
    },
    unread: () => waiting.length + (asked?.reads.length ?? 0),
    sweep(now) {
      if (asked !== null) {
        if (keepsAlive && now - askedAt >= PONG_WITHIN_MS) raw.terminate();
      } else if ((waiting.length > 0 && now - waitingSince >= ASK_WITHIN_MS) || (keepsAlive && now - askedAt >= PING_EVERY_MS)) {
        ask();
      }
    },
  };
}

const MARK_BYTES = 8;
const pool = Buffer.alloc(512 * MARK_BYTES);
let nextAt = pool.length;

/** Random, so that a client cannot guess it and get credit for what it has not read. */
function nextMark(): Buffer {
  if (nextAt === pool.length) {
    randomFillSync(pool);
    nextAt = 0;
  }
  nextAt += MARK_BYTES;
  return Buffer.from(pool.subarray(nextAt - MARK_BYTES, nextAt)); // the pool is filled again
}

const SWEEP_EVERY_MS = 1_000;
const swept = new Set<PingCredit>();
let timer: NodeJS.Timeout | undefined;

/** Sweeps the credit once a second, by one timer for all. Returns its undo. */
export function sweepCredit(credit: PingCredit): () => void {
  swept.add(credit);
  timer ??= setInterval(() => {
    const now = performance.now();
    for (const one of swept) one.sweep(now);
  }, SWEEP_EVERY_MS);
  return () => {
    swept.delete(credit);
    if (swept.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
