/**
 * Tells when a frame has really reached a WebSocket's client. That is neither when it was sent nor
 * when the kernel took it, because buffers hold megabytes. Every client answers a ping by itself,
 * after it has read what came before. So the pong to a ping that follows the frame is the credit,
 * and clients need no acknowledgement of ours.
 *
 * One ping serves several frames, because ping and pong cost as much as a frame. It is sent behind
 * the frame with which `ASK_AFTER` are unread, behind a frame whose reading somebody awaits, and
 * when frames have been unread for `ASK_FROM_MS` to `ASK_TO_MS`. One is under way at a time, because
 * clients cut a server that sends many at once. Frames that are sent meanwhile wait for the next.
 */

import { randomFillSync } from 'node:crypto';
import type { Histogram } from '@qrcast/runtime/metrics/meters';
import type { WebSocket } from 'ws';

export interface PingCredit {
  /**
   * Calls `read` once when the client has read all that was sent before. Never calls it if the
   * connection ends first. `isAwaited`: finds out now.
   */
  whenRead(read: () => void, isAwaited: boolean): void;
  /** How many calls of `whenRead` wait. */
  unread(): number;
  /** Asks now, or when the pong of the last ping has come. Returns false. */
  askSoon(): false;
  /** When the ping under way was sent, by `performance.now()`. Infinity if none is. */
  askedAt(): number;
  /** For `sweepCredit`. @param now by `performance.now()` */
  sweep(now: number): void;
}

/** Frames unread. Below `WINDOW` of ../delivery.ts, so that a client that reads is never waited for. */
export const ASK_AFTER = 6;
/** At random in between, so that the viewers of one session are not all asked in one turn. */
export const ASK_FROM_MS = 4_000;
export const ASK_TO_MS = 8_000;
/**
 * Proxies cut idle connections, often after a minute. And without pings a client that has vanished
 * would never be noticed.
 */
export const PING_EVERY_MS = 25_000;
export const PONG_WITHIN_MS = 20_000;

/**
 * @param keepsAlive whether it also pings an idle client, and cuts one that does not answer
 * @param took gets the seconds from each ping to its pong
 */
export const openPingCredit = (raw: WebSocket, keepsAlive: boolean, took: Pick<Histogram, 'observe'>): PingCredit =>
  new SocketCredit(raw, keepsAlive, took);

/** A class, because a gateway has one for each viewer: closures would take three times the memory. */
class SocketCredit implements PingCredit {
  readonly #raw: WebSocket;
  readonly #keepsAlive: boolean;
  readonly #took: Pick<Histogram, 'observe'>;
  /** Of the ping under way; null if none is. */
  #mark: Buffer | null = null;
  /** What its pong tells. */
  #asked: (() => void)[] = [];
  #askedAt = performance.now();
  #waiting: (() => void)[] = [];
  #waitingSince = 0;
  #isAwaited = false;
  #askWithinMs = randomWait();
  /** The first ping of each connection at random, so that the pongs of many viewers do not come at once. */
  #askAfter = 1 + Math.floor(Math.random() * ASK_AFTER);

  constructor(raw: WebSocket, keepsAlive: boolean, took: Pick<Histogram, 'observe'>) {
    this.#raw = raw;
    this.#took = took;
    this.#keepsAlive = keepsAlive;
    raw.on('pong', (data: Buffer) => this.#hear(data));
  }

  whenRead(read: () => void, isAwaited: boolean): void {
    if (this.#waiting.length === 0) this.#waitingSince = performance.now();
    this.#waiting.push(read);
    this.#isAwaited ||= isAwaited;
    this.#askIfDue();
  }

  unread(): number {
    return this.#waiting.length + this.#asked.length;
  }

  askSoon(): false {
    this.#isAwaited = true;
    this.#ask();
    return false;
  }

  askedAt(): number {
    return this.#mark === null ? Number.POSITIVE_INFINITY : this.#askedAt;
  }

  sweep(now: number): void {
    if (this.#mark !== null) {
      if (this.#keepsAlive && now - this.#askedAt >= PONG_WITHIN_MS) this.#raw.terminate();
      return;
    }
    const isLate = this.#waiting.length > 0 && now - this.#waitingSince >= this.#askWithinMs;
    if (isLate || (this.#keepsAlive && now - this.#askedAt >= PING_EVERY_MS)) this.#ask();
  }

  #askIfDue(): void {
    if (this.#isAwaited || this.#waiting.length >= this.#askAfter) this.#ask();
  }

  #ask(): void {
    const raw = this.#raw;
    if (this.#mark !== null || raw.readyState !== raw.OPEN) return;
    this.#mark = nextMark();
    this.#askedAt = performance.now();
    [this.#asked, this.#waiting] = [this.#waiting, this.#asked]; // the latter is empty
    this.#isAwaited = false;
    this.#askAfter = ASK_AFTER;
    this.#askWithinMs = randomWait();
    raw.ping(this.#mark);
  }

  #hear(pong: Buffer): void {
    if (this.#mark?.equals(pong) !== true) return;
    this.#took.observe((performance.now() - this.#askedAt) / 1_000);
    const reads = this.#asked;
    this.#mark = null;
    this.#asked = [];
    for (const read of reads) read();
    this.#askIfDue();
  }
}

const randomWait = (): number => ASK_FROM_MS + Math.random() * (ASK_TO_MS - ASK_FROM_MS);

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

/** Each credit is swept once a second, a tenth of all at a time. */
const SLICES = 10;
const SLICE_MS = 1_000 / SLICES;
/** This process was paused. The pongs of meanwhile are still in the sockets, and come first. */
const PAUSE_MS = 1_000;
const slices = Array.from({ length: SLICES }, () => new Set<PingCredit>());
let nextSlice = 0;
let count = 0;
let timer: NodeJS.Timeout | undefined;
let turn = 0;
let sweptAt = 0;

function sweepSlice(): void {
  const now = performance.now();
  const isPaused = now - sweptAt > PAUSE_MS;
  sweptAt = now;
  turn = (turn + 1) % SLICES;
  if (!isPaused) for (const credit of slices[turn] ?? []) credit.sweep(now);
}

/** Sweeps the credit once a second, by one timer for all. Returns its undo, to be called once. */
export function sweepCredit(credit: PingCredit): () => void {
  nextSlice = (nextSlice + 1) % SLICES;
  const slice = slices[nextSlice] as Set<PingCredit>; // there are so many
  slice.add(credit);
  count++;
  if (timer === undefined) {
    sweptAt = performance.now();
    timer = setInterval(sweepSlice, SLICE_MS);
  }
  return () => {
    slice.delete(credit);
    count--;
    if (count > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
