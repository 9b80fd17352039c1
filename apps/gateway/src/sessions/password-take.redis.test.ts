/** `password-take-1.lua`, one call each, on tries that the test has filled in itself. */

import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import { redisNow } from '@qrcast/runtime/test/redis-time';
import { openTestRuntime, type TestRuntime } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';

const PER_ATTEMPT = 2;
const PER_SESSION = 3;
const WINDOW_MS = 3_600_000;
const MINUTE_MS = 60_000;

let runtime: TestRuntime;
let key: string;
let sessions = 0;
/** Redis's time at the start of the test, Unix ms. */
let startedAt = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());
beforeEach(async () => {
  key = `${runtime.namespace}:tries-${sessions++}`;
  startedAt = await redisNow(runtime.redis);
});

async function take(attempt: string, id: string): Promise<[verdict: string, waitMs: number]> {
  const script = loadLuaScript(runtime.redis, new URL('./password-take-1.lua', import.meta.url));
  return (await script([key], [`${attempt}|${id}`, attempt, PER_ATTEMPT, PER_SESSION, WINDOW_MS])) as [string, number]; // as the script returns it
}
const triedBefore = (ms: number, member: string): Promise<unknown> => runtime.redis.zadd(key, startedAt - ms, member);
const tries = (): Promise<string[]> => runtime.redis.zrange(key, 0, '-1');

/** That a wait ends when the try made `ms` before the test leaves the window. */
async function expectWaitFor(waitMs: number, ms: number): Promise<void> {
  expect(waitMs).toBeLessThanOrEqual(WINDOW_MS - ms);
  expect(waitMs).toBeGreaterThanOrEqual(startedAt + WINDOW_MS - ms - (await redisNow(runtime.redis)));
}

it('takes a try, and keeps it for the window', async () => {
  expect(await take('1', 'a')).toEqual(['taken', 0]);
  const [member, triedAt] = await runtime.redis.zrange(key, 0, '-1', 'WITHSCORES');
  expect(member).toBe('1|a');
  expect(Number(triedAt)).toBeGreaterThanOrEqual(startedAt);
  expect(Number(triedAt)).toBeLessThanOrEqual(await redisNow(runtime.redis));
  expect(await runtime.redis.pttl(key)).toBeLessThanOrEqual(WINDOW_MS);
  expect(await runtime.redis.pttl(key)).toBeGreaterThan(WINDOW_MS - MINUTE_MS);
});

it('refuses one try too many of an attempt until its oldest try is over, whatever other attempts did', async () => {
  await triedBefore(3 * MINUTE_MS, '12|a'); // an attempt whose name only begins alike
  await triedBefore(MINUTE_MS, '1|a');
  expect(await take('1', 'b')).toEqual(['taken', 0]);
  await runtime.redis.zrem(key, '12|a');
  const [verdict, waitMs] = await take('1', 'c');
  expect(verdict).toBe('attempt');
  await expectWaitFor(waitMs, MINUTE_MS);
  expect(await tries()).toEqual(['1|a', '1|b']);
});

it('refuses one try too many of a session until its oldest try is over', async () => {
  for (const [minutes, member] of [
    [3, '1|a'],
    [2, '2|a'],
    [1, '3|a'],
  ] as const)
    await triedBefore(minutes * MINUTE_MS, member);
  const [verdict, waitMs] = await take('4', 'a');
  expect(verdict).toBe('session');
  await expectWaitFor(waitMs, 3 * MINUTE_MS);
  expect(await tries()).toEqual(['1|a', '2|a', '3|a']);
});

it('forgets tries that are as old as the window', async () => {
  await triedBefore(WINDOW_MS, '1|a');
  await triedBefore(WINDOW_MS - MINUTE_MS, '1|b');
  expect(await take('1', 'c')).toEqual(['taken', 0]);
  expect(await tries()).toEqual(['1|b', '1|c']);
});
