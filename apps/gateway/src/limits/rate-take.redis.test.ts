/** `rate-take-1.lua`, one call each, on a bucket that the test has filled itself. Redis's own time decides. */

import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import { redisNow } from '@qrcast/runtime/test/redis-time';
import { openTestRuntime, type TestRuntime } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';

/** A bucket of 2 gets a token every 30 s, which is longer than a test takes. */
const PER_MINUTE = 2;
const INTERVAL_MS = 30_000;

let runtime: TestRuntime;
let key: string;
let buckets = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());
beforeEach(() => {
  key = `${runtime.namespace}:rate-${buckets++}`;
});

async function take(wanted: number, perMinute = PER_MINUTE): Promise<[given: number, nextInMs: number]> {
  const script = loadLuaScript(runtime.redis, new URL('./rate-take-1.lua', import.meta.url));
  return (await script([key], [perMinute, wanted])) as [number, number]; // as the script returns it
}
const now = (): Promise<number> => redisNow(runtime.redis);
const fullAt = async (): Promise<number> => Number(await runtime.redis.get(key));

it.each([PER_MINUTE, 60_000])('a new bucket of %i holds its limit, and then one token more after its interval', async (perMinute) => {
  expect(await take(perMinute + 1, perMinute)).toEqual([perMinute, 60_000 / perMinute]);
});

it('a bucket that holds more than is wanted gives that, and has the next at once', async () => {
  expect(await take(1)).toEqual([1, 0]);
});

it('keeps when the bucket is full again, and until then', async () => {
  const before = await now();
  await take(1);
  const after = await now();
  const first = await fullAt();
  expect(first).toBeGreaterThanOrEqual(before + INTERVAL_MS);
  expect(first).toBeLessThanOrEqual(after + 1 + INTERVAL_MS); // "after" is a whole number
  expect(await runtime.redis.pexpiretime(key)).toBeGreaterThanOrEqual(Math.floor(first));
  expect(await runtime.redis.pexpiretime(key)).toBeLessThanOrEqual(after + INTERVAL_MS + 2);
  await take(1);
  expect((await fullAt()) - first).toBeCloseTo(INTERVAL_MS);
});

it('an empty bucket gives nothing, and tells when the next token comes', async () => {
  const isFullAt = (await now()) + 60_500; // half a second more than an empty one needs
  await runtime.redis.set(key, isFullAt);
  const [given, nextInMs] = await take(1);
  expect(given).toBe(0);
  expect(nextInMs).toBeLessThanOrEqual(INTERVAL_MS + 500);
  expect(nextInMs).toBeGreaterThanOrEqual(isFullAt - 60_000 + INTERVAL_MS - (await now()));
  expect([await fullAt(), await runtime.redis.pttl(key)]).toEqual([isFullAt, -1]); // nothing was written
});

it('a bucket that was full long ago holds no more than its limit', async () => {
  await runtime.redis.set(key, (await now()) - 3_600_000);
  expect((await take(100))[0]).toBe(PER_MINUTE);
});
