/** The outbox's two scripts, one call each: times and answers that the outbox's own tests do not look at. */

import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { outboxKey } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';

const LEASE_MS = 60_000;

let runtime: TestRuntime;
let key: string;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
  key = outboxKey(runtime.namespace);
});
afterAll(() => runtime.close());
beforeEach(() => runtime.redis.del(key));

async function redisNow(): Promise<number> {
  const [seconds, micros] = await runtime.redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

const claim = (limit: number): Promise<unknown> =>
  loadLuaScript(runtime.redis, new URL('./outbox-claim-1.lua', import.meta.url))([key], [limit, LEASE_MS]);
const settle = (mark: string, leaseUntil: number, againMs: number | ''): Promise<unknown> =>
  loadLuaScript(runtime.redis, new URL('./outbox-settle-1.lua', import.meta.url))([key], [mark, leaseUntil, againMs]);
const scoreOf = async (mark: string): Promise<number> => Number(await runtime.redis.zscore(key, mark));

describe('outbox-claim', () => {
  it('claims what is due for the lease, up to the limit, with the scores before', async () => {
    await runtime.redis.zadd(key, 1, 'a', 2, 'b', 3, 'c');
    const before = await redisNow();
    const [leaseUntil, found] = (await claim(2)) as [number, string[]];
    expect(found).toEqual(['a', '1', 'b', '2']);
    expect(leaseUntil).toBeGreaterThanOrEqual(before + LEASE_MS);
    expect(leaseUntil).toBeLessThanOrEqual((await redisNow()) + LEASE_MS);
    expect([await scoreOf('a'), await scoreOf('b'), await scoreOf('c')]).toEqual([leaseUntil, leaseUntil, 3]);
  });

  it('leaves what is due later', async () => {
    await runtime.redis.zadd(key, (await redisNow()) + 3_600_000, 'later');
    expect(((await claim(10)) as [number, string[]])[1]).toEqual([]);
  });
});

describe('outbox-settle', () => {
  it('makes the mark due again in the time told', async () => {
    await runtime.redis.zadd(key, 1_000, 'a');
    const before = await redisNow();
    expect(await settle('a', 1_000, 5_000)).toBe(1);
    expect(await scoreOf('a')).toBeGreaterThanOrEqual(before + 5_000);
    expect(await scoreOf('a')).toBeLessThanOrEqual((await redisNow()) + 5_000);
  });

  it('removes the mark that is over', async () => {
    await runtime.redis.zadd(key, 1_000, 'a');
    expect(await settle('a', 1_000, '')).toBe(1);
    expect(await runtime.redis.exists(key)).toBe(0);
  });

  it('leaves a mark that was set anew or is gone', async () => {
    await runtime.redis.zadd(key, 2_000, 'a');
    for (const mark of ['a', 'gone']) expect(await settle(mark, 1_000, '')).toBe(0);
    expect([await scoreOf('a'), await runtime.redis.zcard(key)]).toEqual([2_000, 1]);
  });
});
