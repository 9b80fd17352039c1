/**
 * One clock for all processes: that of Redis. Deadlines, staleness and fences are compared across
 * machines, so each process corrects its own clock by a measured offset. It measures at the start
 * and then every 30 s.
 */

import type { Redis } from 'ioredis';

export interface Clock {
  /** Unix ms. */
  now(): number;
}

export interface OpenClock extends Clock {
  close(): void;
}

const MEASURE_EVERY_MS = 30_000;
const FIRST_MEASUREMENTS = 5;
/** A later measurement that took longer is too inexact and is ignored. */
const MAX_ROUND_TRIP_MS = 200;

export async function openClock(redis: Redis): Promise<OpenClock> {
  let offsetMs = 0;

  async function measure(): Promise<{ offsetMs: number; roundTripMs: number }> {
    const sentAt = Date.now();
    const [seconds, micros] = await redis.time();
    const receivedAt = Date.now();
    return { offsetMs: Number(seconds) * 1000 + Number(micros) / 1000 - (sentAt + receivedAt) / 2, roundTripMs: receivedAt - sentAt };
  }

  await redis.ping(); // so that connecting does not count as part of a round trip
  const first = [];
  for (let i = 0; i < FIRST_MEASUREMENTS; i++) first.push(await measure());
  // However slow they were, the fastest of them is the best estimate.
  ({ offsetMs } = first.reduce((best, one) => (one.roundTripMs < best.roundTripMs ? one : best)));

  const timer = setInterval(() => {
    measure().then(
      (measured) => {
        if (measured.roundTripMs <= MAX_ROUND_TRIP_MS) offsetMs = measured.offsetMs;
      },
      () => undefined, // Redis is out: the last offset stays in use, and the connection logs it
    );
  }, MEASURE_EVERY_MS);
  return {
    now: () => Math.round(Date.now() + offsetMs),
    close: () => clearInterval(timer),
  };
}
