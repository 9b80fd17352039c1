/**
 * One clock for all processes: that of Redis. Deadlines, staleness and fences are compared across
 * machines, so each process adds a measured offset to its own monotonic clock. The clock of the
 * machine (`Date`) can be set at any moment, by a person, by NTP or by a host that moves the
 * machine. So it is never used as a time here.
 *
 * The offset is measured at the start, every 30 s, and at once when it is in doubt. One reason to
 * doubt it is a sleep: the monotonic clock of a sleeping machine stands still, that of Redis does
 * not. The machine's clock then differs from the monotonic clock by more than before.
 */

import { correctOffset, isExact, type Measured } from '@qrcast/core/clock-offset';
import type { Redis } from 'ioredis';
import { isCluster, type RedisClient } from './redis-client.ts';

export interface Clock {
  /** Unix ms. */
  now(): number;
}

export interface MeasuredClock extends Clock {
  /** Measures again at once. Call it when Redis contradicts `now`. */
  doubt(): void;
}

export interface OpenClock extends MeasuredClock {
  close(): void;
}

export type ClockRedis = Pick<Redis, 'ping' | 'time'>;

/** Each node of a cluster has a clock. All processes ask the node that has this key. */
export function clockOf(redis: RedisClient, key: string): ClockRedis {
  if (!isCluster(redis)) return redis;
  const time = async (): Promise<number[]> => ((await redis.eval("return redis.call('TIME')", 1, key)) as unknown[]).map(Number);
  return { ping: async () => void (await time()), time } as unknown as ClockRedis; // an overload of ioredis takes a callback
}

const MEASURE_EVERY_MS = 30_000;
const FIRST_MEASUREMENTS = 5;
/** How often a sleep is looked for, and a doubtful offset is measured until Redis answers at once. */
const LOOK_EVERY_MS = 1_000;
/** The two clocks of a machine drift apart by far less between two looks. */
const SLEPT_MS = 1_000;

const betweenClocks = (): number => Date.now() - performance.now();

export async function openClock(redis: ClockRedis): Promise<OpenClock> {
  await redis.ping(); // so that connecting does not count as part of a round trip
  let betweenMs = betweenClocks();
  const first = await measureFirst(redis);
  let { offsetMs } = first;
  let isMeasuring = false;
  let doubts = isExact(first) ? 0 : 1;
  let answeredDoubts = 0;

  async function measure(): Promise<void> {
    if (isMeasuring) return;
    isMeasuring = true;
    const answered = doubts; // a doubt that comes meanwhile needs another measurement
    try {
      const measured = await measureOnce(redis);
      offsetMs = correctOffset(offsetMs, measured);
      if (isExact(measured)) answeredDoubts = answered;
      else doubts++;
    } catch {
      // Redis is out: the last offset stays in use, and the connection logs it
    } finally {
      isMeasuring = false;
    }
  }

  function doubt(): void {
    doubts++;
    void measure();
  }

  function look(): void {
    const nowBetweenMs = betweenClocks();
    if (Math.abs(nowBetweenMs - betweenMs) > SLEPT_MS) {
      betweenMs = nowBetweenMs;
      doubt();
    } else if (answeredDoubts < doubts) void measure();
  }

  const measureTimer = setInterval(() => void measure(), MEASURE_EVERY_MS);
  const lookTimer = setInterval(look, LOOK_EVERY_MS);
  return {
    now() {
      if (Math.abs(betweenClocks() - betweenMs) > SLEPT_MS) look();
      return Math.round(performance.now() + offsetMs);
    },
    doubt,
    close() {
      clearInterval(measureTimer);
      clearInterval(lookTimer);
    },
  };
}

async function measureOnce(redis: ClockRedis): Promise<Measured> {
  const sentAt = performance.now();
  const [seconds, micros] = await redis.time();
  const receivedAt = performance.now();
  return { offsetMs: Number(seconds) * 1000 + Number(micros) / 1000 - (sentAt + receivedAt) / 2, roundTripMs: receivedAt - sentAt };
}

/** However slow the first measurements are, the fastest of them is the best estimate. */
async function measureFirst(redis: ClockRedis): Promise<Measured> {
  const first: Measured[] = [];
  for (let i = 0; i < FIRST_MEASUREMENTS; i++) first.push(await measureOnce(redis));
  return first.reduce((best, one) => (one.roundTripMs < best.roundTripMs ? one : best));
}
