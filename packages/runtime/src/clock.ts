/**
 * One clock for all processes: Redis's. Deadlines, staleness and fences are compared across machines, so each process corrects its own
 * clock by the offset it measures, at the start and every half minute after it.
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
/** A measurement that took longer says too little. */
const MAX_ROUND_TRIP_MS = 200;

export async function openClock(redis: Redis): Promise<OpenClock> {
  let offsetMs = 0;

  async function measure(): Promise<void> {
    const sentAt = Date.now();
    const [seconds, micros] = await redis.time();
    const receivedAt = Date.now();
    if (receivedAt - sentAt > MAX_ROUND_TRIP_MS) return;
    offsetMs = Number(seconds) * 1000 + Number(micros) / 1000 - (sentAt + receivedAt) / 2;
  }

  await measure();
  const timer = setInterval(() => {
    measure().catch(() => undefined); // Redis is out: the last offset stands, and the connection reports itself
  }, MEASURE_EVERY_MS);
  return {
    now: () => Math.round(Date.now() + offsetMs),
    close: () => clearInterval(timer),
  };
}

export const systemClock: Clock = { now: () => Date.now() };
