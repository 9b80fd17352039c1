/** The outbox's scripts, one call each: times and answers that no other test checks. */

import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { redisNow } from '../../test/redis-time.ts';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { wholeWork } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';

const LEASE_MS = 60_000;

let runtime: TestRuntime;
let key: string;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
  key = wholeWork(runtime.namespace).outboxKey;
});
afterAll(() => runtime.close());
beforeEach(() => runtime.redis.del(key));

const claim = async (limit: number, { aheadMs = 0, notAfter = Number.MAX_SAFE_INTEGER } = {}): Promise<unknown> =>
  loadLuaScript(runtime.redis, new URL('./outbox-claim-1.lua', import.meta.url))([key], [limit, LEASE_MS, aheadMs, notAfter]);
const settle = (mark: string, leaseUntil: number, againMs: number | ''): Promise<unknown> =>
  loadLuaScript(runtime.redis, new URL('./outbox-settle-1.lua', import.meta.url))([key], [mark, leaseUntil, againMs]);
const scoreOf = async (mark: string): Promise<number> => Number(await runtime.redis.zscore(key, mark));

describe('outbox-claim', () => {
  it('claims due marks for the lease, up to the limit, and returns their earlier scores', async () => {
    await runtime.redis.zadd(key, 1, 'a', 2, 'b', 3, 'c');
    const before = await redisNow(runtime.redis);
    const [now, leaseUntil, found] = (await claim(2)) as [number, number, string[]];
    expect(found).toEqual(['a', '1', 'b', '2']);
    expect(leaseUntil).toBe(now + LEASE_MS);
    expect(leaseUntil).toBeGreaterThanOrEqual(before + LEASE_MS);
    expect(leaseUntil).toBeLessThanOrEqual((await redisNow(runtime.redis)) + LEASE_MS);
    expect([await scoreOf('a'), await scoreOf('b'), await scoreOf('c')]).toEqual([leaseUntil, leaseUntil, 3]);
  });

  it('leaves what is due later', async () => {
    await runtime.redis.zadd(key, (await redisNow(runtime.redis)) + 3_600_000, 'later');
    expect(((await claim(10)) as [number, number, string[]])[2]).toEqual([]);
  });

  it('claims what is due soon, if it is asked for', async () => {
    await runtime.redis.zadd(key, (await redisNow(runtime.redis)) + 60_000, 'soon');
    expect(((await claim(10, { aheadMs: 90_000 })) as [number, number, string[]])[2]).toEqual(['soon', expect.any(String)]);
  });

  it('claims nothing after the moment at which its caller has given up', async () => {
    await runtime.redis.zadd(key, 1, 'a');
    expect(await claim(10, { notAfter: (await redisNow(runtime.redis)) - 1 })).toBeNull();
    expect(await scoreOf('a')).toBe(1);
  });
});

describe('outbox-settle', () => {
  it('makes the mark due again after the given time', async () => {
    await runtime.redis.zadd(key, 1_000, 'a');
    const before = await redisNow(runtime.redis);
    expect(await settle('a', 1_000, 5_000)).toBe(1);
    expect(await scoreOf('a')).toBeGreaterThanOrEqual(before + 5_000);
    expect(await scoreOf('a')).toBeLessThanOrEqual((await redisNow(runtime.redis)) + 5_000);
  });

  it('removes the mark that is finished', async () => {
    await runtime.redis.zadd(key, 1_000, 'a');
    expect(await settle('a', 1_000, '')).toBe(1);
    expect(await runtime.redis.exists(key)).toBe(0);
  });

  it('does not touch a mark that was set again or is gone', async () => {
    await runtime.redis.zadd(key, 2_000, 'a');
    for (const mark of ['a', 'gone']) expect(await settle(mark, 1_000, '')).toBe(0);
    expect([await scoreOf('a'), await runtime.redis.zcard(key)]).toEqual([2_000, 1]);
  });
});

describe('outbox-put-off', () => {
  it('sets when a mark is due, by the clock of Redis', async () => {
    const before = await redisNow(runtime.redis);
    await loadLuaScript(runtime.redis, new URL('./outbox-put-off-1.lua', import.meta.url))([key], ['a', 5_000]);
    expect(await scoreOf('a')).toBeGreaterThanOrEqual(before + 5_000);
    expect(await scoreOf('a')).toBeLessThanOrEqual((await redisNow(runtime.redis)) + 5_000);
  });
});
