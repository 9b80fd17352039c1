/** The clock of all processes while the clock of this machine is set, forward and back. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { prepareWallClock } from '../../test/wall-clock.ts';
import { type ClockRedis, type OpenClock, openClock } from './clock.ts';
import type { RedisClient } from './redis-client.ts';

const HOUR_MS = 3_600_000;
/** Far more than a measurement is wrong by, and far less than the clock is set by. */
const CLOSE_MS = 30_000;
const AHEAD_MS = 100;

const wallClock = prepareWallClock();
const clocks: OpenClock[] = [];
let runtime: TestRuntime;

beforeEach(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});

afterEach(async () => {
  for (const clock of clocks.splice(0)) clock.close();
  await runtime.close();
});

async function open(redis: ClockRedis = runtime.redis): Promise<OpenClock> {
  const clock = await openClock(redis);
  clocks.push(clock);
  return clock;
}

async function timeOf(redis: Pick<RedisClient, 'time'>): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1000 + Number(micros) / 1000;
}

/** A Redis whose clock can go on while this machine sleeps. It counts how often it was asked. */
function sleeplessRedis() {
  const { redis } = runtime;
  let asked = 0;
  let aheadMs = 0;
  return {
    redis: {
      async time() {
        asked++;
        return [(await timeOf(redis)) / 1000 + aheadMs / 1000, 0] as [number, number];
      },
      ping: () => redis.ping(),
    } as ClockRedis, // without the forms of the calls that take a callback
    sleep(ms: number): void {
      aheadMs += ms;
    },
    asked: () => asked,
  };
}

describe('the clock', () => {
  it.each([2 * HOUR_MS, 90_000, -120_000, -2 * HOUR_MS])('stays at the time of Redis when the machine is set by %i ms', async (byMs) => {
    const clock = await open();
    wallClock.shift(byMs);
    expect(Math.abs(clock.now() - (await timeOf(runtime.redis)))).toBeLessThan(CLOSE_MS);
    expect(Math.abs(Date.now() - (await timeOf(runtime.redis)))).toBeGreaterThan(CLOSE_MS); // twin: the machine's clock is far off
  });

  it('opens at the time of Redis on a machine that is hours off', async () => {
    wallClock.shift(-5 * HOUR_MS);
    expect(Math.abs((await open()).now() - (await timeOf(runtime.redis)))).toBeLessThan(CLOSE_MS);
  });

  it('measures again at once after a sleep, in which the monotonic clock stood still', async () => {
    const { redis, sleep, asked } = sleeplessRedis();
    const clock = await open(redis);
    const before = asked();
    sleep(HOUR_MS);
    wallClock.shift(HOUR_MS);
    clock.now();
    expect(asked()).toBeGreaterThan(before);
    await expect.poll(() => Math.abs(clock.now() - Date.now())).toBeLessThan(CLOSE_MS);
  });

  it('(twin) measures nothing again while both clocks of the machine agree', async () => {
    const { redis, sleep, asked } = sleeplessRedis();
    const clock = await open(redis);
    const before = asked();
    sleep(HOUR_MS);
    clock.now();
    expect(asked()).toBe(before);
  });

  it('notices a sleep although nobody asks for the time', async () => {
    const { redis, asked } = sleeplessRedis();
    await open(redis);
    const before = asked();
    wallClock.shift(HOUR_MS);
    await expect.poll(asked).toBeGreaterThan(before);
  });

  it('measures again when somebody doubts it', async () => {
    const { redis, sleep, asked } = sleeplessRedis();
    const clock = await open(redis);
    sleep(HOUR_MS); // Redis has moved to a machine whose clock is an hour ahead
    const before = asked();
    clock.doubt();
    expect(asked()).toBeGreaterThan(before);
    await expect.poll(() => clock.now() - Date.now()).toBeGreaterThan(HOUR_MS - CLOSE_MS);
  });

  it('is not set by an answer that was held up on one way', async () => {
    const { redis, sleep, asked } = sleeplessRedis();
    let holdMs = 0;
    const clock = await open({
      ping: () => redis.ping(),
      time: async () => {
        await delay(holdMs);
        return redis.time();
      },
    } as ClockRedis);
    sleep(AHEAD_MS); // so that the offset known is impossible by the next answer
    holdMs = 2_000;
    const before = asked();
    clock.doubt();
    while (asked() === before) await delay(1);
    await delay(0); // the answer
    expect(clock.now() - Date.now()).toBeLessThan(1_000 - AHEAD_MS); // half the time that it was held up, and more, would be wrong
    holdMs = 0;
    await expect.poll(() => Math.abs(clock.now() - Date.now() - AHEAD_MS)).toBeLessThan(AHEAD_MS / 2); // it asks again by itself
  });

  it('in doubt tries again until Redis answers', async () => {
    const { redis, sleep, asked } = sleeplessRedis();
    let failures = 0;
    const clock = await open({
      ping: () => redis.ping(),
      time: () => (failures-- > 0 ? Promise.reject(new Error('Redis is out')) : redis.time()),
    } as ClockRedis);
    failures = 2;
    const before = asked();
    sleep(HOUR_MS);
    clock.doubt();
    await expect.poll(asked).toBeGreaterThan(before);
    await expect.poll(() => clock.now() - Date.now()).toBeGreaterThan(HOUR_MS - CLOSE_MS);
  });
});
