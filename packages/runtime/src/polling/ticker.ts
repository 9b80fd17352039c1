/**
 * Begins a turn every half second, in which the ticks of a part of the work are added (ticks.ts). One
 * worker of all does it, the ticker. Each worker tries to become the ticker, by a lease in Redis that
 * only its holder can renew. The lease of a killed ticker ends within 1.5 s.
 *
 * BullMQ could delay ticks, but it counts delays by the clock of each worker's machine. A machine
 * whose clock was set back would stop the ticks until the clock was where it had been. Timers of
 * Node follow the monotonic clock.
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { loadLuaScript } from '../redis/lua-script.ts';
import { createTicks, SLICES, type Ticks, type TicksDeps } from './ticks.ts';

/** The longest that a poll waits for its tick, unless a message was lost (ticks.ts). */
const TICK_MS = 500;
/** Three turns without an answer of Redis. */
const LEASE_MS = 1_500;
const SLICE_MS = TICK_MS / SLICES;
const RELEASE_WITHIN_MS = 1_000;

export interface Ticker extends Pick<Ticks, 'noticeMember' | 'forget'> {
  /** Resolves once Redis has answered for the first time. Call it once. */
  start(): Promise<void>;
  /**
   * When this worker last added the ticks, or Redis last said that another one is the ticker, by
   * `performance.now()`.
   */
  lastTurnAt(): number;
  /** Lets another worker be the ticker at once. With a frozen Redis it takes a second. */
  stop(): Promise<void>;
}

export interface TickerDeps extends TicksDeps {
  /** Where the ticker's lease is. */
  readonly key: string;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a turn, its slices and the stop share the timers and what is under way.
export function createTicker(deps: TickerDeps): Ticker {
  const { redis, key } = deps;
  const take = loadLuaScript(redis, new URL('./ticker-take-1.lua', import.meta.url));
  const release = loadLuaScript(redis, new URL('../redis/lock-release-1.lua', import.meta.url));
  const ticks = createTicks(deps);
  const id = randomUUID();
  const timers = new Set<NodeJS.Timeout>();
  let isStopped = false;
  let isTaking = false;
  let turn = 0;
  let lastTurnAt = performance.now();
  /** A part of it could not be added. */
  let failedTurn = -1;

  /** `at`: by `performance.now()`. */
  function schedule(at: number, run: () => void): void {
    if (isStopped) return;
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        run();
      },
      Math.max(0, at - performance.now()),
    );
    timers.add(timer);
  }

  async function addSlice(ofTurn: number, slice: number): Promise<void> {
    if (!(await ticks.add(ofTurn, slice))) failedTurn = ofTurn;
    else if (slice === SLICES - 1 && failedTurn !== ofTurn) lastTurnAt = performance.now();
  }

  /** The slices begin one slice after the turn, because the answer of Redis takes a moment. */
  async function begin(startsAt: number): Promise<void> {
    if ((await take([key], [id, LEASE_MS])) !== 1) {
      lastTurnAt = performance.now();
      return ticks.forget();
    }
    const ofTurn = turn++;
    for (let slice = 0; slice < SLICES; slice++) schedule(startsAt + (slice + 1) * SLICE_MS, () => void addSlice(ofTurn, slice));
  }

  async function run(startsAt: number): Promise<void> {
    const next = nextTurnAt(startsAt);
    schedule(next, () => void run(next));
    if (isTaking) return;
    isTaking = true;
    await begin(startsAt).catch(ticks.forget); // Redis is out: the connection logs it, and the lease ends by itself
    isTaking = false;
  }

  return {
    async start() {
      const startsAt = performance.now();
      await begin(startsAt);
      const next = nextTurnAt(startsAt);
      schedule(next, () => void run(next));
    },

    lastTurnAt: () => lastTurnAt,
    noticeMember: ticks.noticeMember,
    forget: ticks.forget,

    async stop() {
      isStopped = true;
      for (const timer of timers) clearTimeout(timer);
      const released = release([key], [id, 0]).catch(() => undefined); // Redis is out: the lease ends by itself
      await Promise.race([released, delay(RELEASE_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}

/** A turn that came late does not delay the next, but turns that were missed are left out. */
function nextTurnAt(startsAt: number): number {
  const missed = Math.max(0, Math.floor((performance.now() - startsAt) / TICK_MS));
  return startsAt + (missed + 1) * TICK_MS;
}
