/**
 * The Lua scripts of a shard, one call each, on sets that a test has filled itself. The queue's own tests show what they do together;
 * these show every rule and limit of a script, without waiting for a poll.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { shardKeys } from '../redis/keys.ts';
import { type LuaScript, loadLuaScript } from '../redis/lua-script.ts';

const LEASE_MS = 60_000;
const SPACING_MS = 1_100;
/** Longer than a test takes, so that "now" is never in doubt. */
const HOUR_MS = 3_600_000;

let runtime: TestRuntime;
let keys: ReturnType<typeof shardKeys>;
let shards = 0;
/** Redis's time at the start of the test, Unix ms. */
let startedAt = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());
beforeEach(async () => {
  keys = shardKeys(runtime.namespace, shards++);
  startedAt = await redisNow();
});

async function redisNow(): Promise<number> {
  const [seconds, micros] = await runtime.redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

const script = (name: string): LuaScript => loadLuaScript(runtime.redis, new URL(`./${name}.lua`, import.meta.url));

type SetName = 'due' | 'watch' | 'busy';
const INDEX = { due: 0, watch: 1, busy: 2 } as const;
const add = (set: SetName, member: string, score: number): Promise<unknown> => runtime.redis.zadd(keys[INDEX[set]], score, member);
const poked = (member: string): Promise<string | null> => runtime.redis.hget(keys[3], member);

async function scoreOf(set: SetName, member: string): Promise<number | null> {
  const score = await runtime.redis.zscore(keys[INDEX[set]], member);
  return score === null ? null : Number(score);
}

/** That a time lies as far from now as told, "now" being within this test. */
async function expectFromNow(time: number | null, distanceMs: number): Promise<void> {
  expect(time).toBeGreaterThanOrEqual(startedAt + distanceMs);
  expect(time).toBeLessThanOrEqual((await redisNow()) + distanceMs);
}

describe('shard-renew', () => {
  const renew = (until: number, ...members: string[]): Promise<unknown> => script('shard-renew-2')(keys.slice(0, 2), [until, ...members]);

  it('makes the watch of members in the due-set longer and never shorter, and tells the others', async () => {
    for (const member of ['a|i|t', 'b|i|t']) await add('due', member, 1);
    for (const member of ['a|i|t', 'b|i|t', 'gone|i|t']) await add('watch', member, 2_000);
    expect(await renew(3_000, 'a|i|t', 'gone|i|t')).toEqual(['gone|i|t']);
    expect(await renew(1_000, 'b|i|t')).toEqual([]);
    expect([await scoreOf('watch', 'a|i|t'), await scoreOf('watch', 'b|i|t'), await scoreOf('watch', 'gone|i|t')]).toEqual([
      3_000, 2_000, 2_000,
    ]);
  });
});

describe('shard-ensure', () => {
  const ensure = (until: number, due: number | '', replaces: '1' | '' = ''): Promise<unknown> =>
    script('shard-ensure-3')(keys.slice(0, 3), ['a|i|t', 'i', until, LEASE_MS, due, replaces]);

  it('puts a new member in, due now, and watches it', async () => {
    expect(await ensure(5_000, '')).toEqual([0, 0]);
    await expectFromNow(await scoreOf('due', 'a|i|t'), 0);
    expect(await scoreOf('watch', 'a|i|t')).toBe(5_000);
  });

  it('puts a new member in as told, and now where that time is over', async () => {
    const due = startedAt + HOUR_MS;
    const [busyForMs, dueInMs] = (await ensure(5_000, due)) as [number, number];
    expect(busyForMs).toBe(0);
    expect(dueInMs).toBeLessThanOrEqual(HOUR_MS);
    expect(dueInMs).toBeGreaterThanOrEqual(due - (await redisNow()));
    expect(await scoreOf('due', 'a|i|t')).toBe(due);
    await runtime.redis.zrem(keys[0], 'a|i|t');
    expect(await ensure(5_000, 1_000)).toEqual([0, 0]);
    await expectFromNow(await scoreOf('due', 'a|i|t'), 0);
  });

  it('leaves a member that is there alone, if no time is told', async () => {
    await add('due', 'a|i|t', 1_000);
    await add('busy', 'i', startedAt + HOUR_MS);
    expect(await ensure(5_000, '')).toEqual([0, -1]);
    expect(await scoreOf('due', 'a|i|t')).toBe(1_000);
  });

  it('makes a member that is there due earlier, never later', async () => {
    await add('due', 'a|i|t', startedAt + 2 * HOUR_MS);
    await ensure(5_000, startedAt + 3 * HOUR_MS);
    expect(await scoreOf('due', 'a|i|t')).toBe(startedAt + 2 * HOUR_MS);
    await ensure(5_000, startedAt + HOUR_MS);
    expect(await scoreOf('due', 'a|i|t')).toBe(startedAt + HOUR_MS);
  });

  it('makes the watch shorter only where it replaces one', async () => {
    await ensure(5_000, '');
    await ensure(4_000, '');
    expect(await scoreOf('watch', 'a|i|t')).toBe(5_000);
    await ensure(4_000, '', '1');
    expect(await scoreOf('watch', 'a|i|t')).toBe(4_000);
  });

  it('keeps a member due now while its instance is busy for no longer than a lease', async () => {
    const busyUntil = startedAt + LEASE_MS - 10_000;
    await add('busy', 'i', busyUntil);
    const [busyForMs, dueInMs] = (await ensure(5_000, '')) as [number, number];
    await expectFromNow(await scoreOf('due', 'a|i|t'), 0);
    expect(dueInMs).toBe(busyForMs);
    expect(busyForMs).toBeLessThanOrEqual(LEASE_MS - 10_000);
    expect(busyForMs).toBeGreaterThanOrEqual(busyUntil - (await redisNow()));
  });

  it('puts it off to the end of a longer time, but by ten leases at most', async () => {
    await add('busy', 'i', startedAt + 2 * LEASE_MS);
    await ensure(5_000, '');
    expect(await scoreOf('due', 'a|i|t')).toBe(startedAt + 2 * LEASE_MS);
    await runtime.redis.zrem(keys[0], 'a|i|t');
    await add('busy', 'i', startedAt + HOUR_MS);
    const [busyForMs, dueInMs] = (await ensure(5_000, '')) as [number, number];
    expect(dueInMs).toBe(busyForMs);
    await expectFromNow(await scoreOf('due', 'a|i|t'), 10 * LEASE_MS);
  });

  it('leaves the time told where it is later than that end', async () => {
    await add('busy', 'i', startedAt + 2 * LEASE_MS);
    const [busyForMs, dueInMs] = (await ensure(5_000, startedAt + HOUR_MS)) as [number, number];
    expect(await scoreOf('due', 'a|i|t')).toBe(startedAt + HOUR_MS);
    expect(dueInMs - busyForMs).toBe(HOUR_MS - 2 * LEASE_MS);
  });
});

describe('shard-poke', () => {
  const poke = (): Promise<unknown> => script('shard-poke-4')(keys, ['a|i|t', 'i', 'state']);

  it('does nothing to a member that is not in the set', async () => {
    expect(await poke()).toBe(-1);
    expect([await scoreOf('due', 'a|i|t'), await poked('a|i|t')]).toEqual([null, null]);
  });

  it('makes a member due now, and notes the method', async () => {
    await add('due', 'a|i|t', startedAt + HOUR_MS);
    expect(await poke()).toBe(0);
    await expectFromNow(await scoreOf('due', 'a|i|t'), 0);
    expect(await poked('a|i|t')).toBe('state');
  });

  it('makes it due when its instance is free, and tells in how many ms that is', async () => {
    await add('due', 'a|i|t', startedAt + 2 * HOUR_MS);
    await add('busy', 'i', startedAt + HOUR_MS);
    const dueInMs = Number(await poke());
    expect(dueInMs).toBeLessThanOrEqual(HOUR_MS);
    expect(dueInMs).toBeGreaterThanOrEqual(startedAt + HOUR_MS - (await redisNow()));
    expect(await scoreOf('due', 'a|i|t')).toBe(startedAt + HOUR_MS);
  });

  it('never makes it due later', async () => {
    await add('due', 'a|i|t', 1_000);
    await poke();
    expect(await scoreOf('due', 'a|i|t')).toBe(1_000);
  });
});

describe('shard-extend', () => {
  const extend = (...members: string[]): Promise<unknown> => script('shard-extend-3')(keys.slice(0, 3), [LEASE_MS, ...members]);

  it('extends the claim of member and instance, and tells who left the set', async () => {
    await add('due', 'a|i|t', 1_000);
    expect(await extend('a|i|t', 'gone|j|t')).toEqual(['gone|j|t']);
    await expectFromNow(await scoreOf('due', 'a|i|t'), LEASE_MS);
    await expectFromNow(await scoreOf('busy', 'i'), LEASE_MS);
    await expectFromNow(await scoreOf('busy', 'j'), LEASE_MS);
    expect(await scoreOf('due', 'gone|j|t')).toBeNull();
  });

  it('never frees an instance earlier', async () => {
    await add('due', 'a|i|t', 1_000);
    await add('busy', 'i', startedAt + HOUR_MS);
    await extend('a|i|t');
    expect(await scoreOf('busy', 'i')).toBe(startedAt + HOUR_MS);
  });
});

describe('shard-settle', () => {
  type Finished = readonly [member: string, startedAt: number, due: number | '', notBefore: number | ''];
  const settle = (...finished: Finished[]): Promise<unknown> => script('shard-settle-4')(keys, [SPACING_MS, ...finished.flat()]);
  beforeEach(async () => {
    for (const member of ['a|i|t', 'b|j|t']) {
      await add('due', member, 1);
      await add('watch', member, 9_000_000);
    }
  });

  it('frees each instance after the spacing and sets when each member is due', async () => {
    await settle(['a|i|t', 10_000, 50_000, ''], ['b|j|t', 20_000, 60_000, '']);
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('busy', 'i')]).toEqual([50_000, 11_100]);
    expect([await scoreOf('due', 'b|j|t'), await scoreOf('busy', 'j')]).toEqual([60_000, 21_100]);
  });

  it('never makes a member due within the spacing', async () => {
    await settle(['a|i|t', 10_000, 10_500, '']);
    expect(await scoreOf('due', 'a|i|t')).toBe(11_100);
  });

  it('frees the instance when the provider allows it, and leaves the due time as told', async () => {
    await settle(['a|i|t', 10_000, 50_000, 90_000]);
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('busy', 'i')]).toEqual([50_000, 90_000]);
  });

  it('lets a member go that is not due again', async () => {
    await settle(['a|i|t', 10_000, '', '']);
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('watch', 'a|i|t')]).toEqual([null, null]);
    expect(await scoreOf('busy', 'i')).toBe(11_100);
  });

  it.each(['', 50_000] as const)('makes a poked member due when its instance is free, with "%s" told', async (due) => {
    await runtime.redis.hset(keys[3], 'a|i|t', 'state');
    await settle(['a|i|t', 10_000, due, 30_000]);
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('watch', 'a|i|t')]).toEqual([30_000, 9_000_000]);
    expect(await poked('a|i|t')).toBe('state');
  });

  it('does not bring a member back', async () => {
    await settle(['gone|k|t', 10_000, 50_000, '']);
    expect([await scoreOf('due', 'gone|k|t'), await scoreOf('busy', 'k')]).toEqual([null, 11_100]);
  });
});

describe('shard-claim', () => {
  const AHEAD_MS = 100_000;
  const WAIT_MS = 30_000;
  interface Call {
    readonly limit?: number;
    readonly member?: string;
    readonly free?: number;
    readonly share?: number;
    /** Per tenant: its id and how many it holds. */
    readonly held?: readonly (string | number)[];
  }
  type Reply = [now: number, claimed: string[], unwatched: string[], waiting: string[], postponed: number];
  async function claim({ limit = 10, member = '', free = 100, share = 1, held = [] }: Call = {}): Promise<Reply> {
    const reply = await script('shard-claim-4')(keys, [limit, LEASE_MS, member, AHEAD_MS, free, share, WAIT_MS, ...held]);
    return reply as Reply; // as the script returns it
  }
  async function enter(member: string, due: number): Promise<void> {
    await add('due', member, due);
    await add('watch', member, startedAt + HOUR_MS);
  }

  it('claims what is due for the lease, with its instance, its due time and what a poke asked for', async () => {
    await enter('a|i|t', 1_000);
    await enter('b|j|t', 2_000);
    await runtime.redis.hset(keys[3], 'a|i|t', 'state');
    const [now, ...rest] = await claim();
    expect(rest).toEqual([['a|i|t', '1000', 'state', 'b|j|t', '2000', ''], [], [], 0]);
    await expectFromNow(now, 0);
    for (const score of [await scoreOf('due', 'a|i|t'), await scoreOf('busy', 'i'), await scoreOf('busy', 'j')])
      expect(score).toBe(now + LEASE_MS);
    expect(await poked('a|i|t')).toBeNull();
  });

  it('claims what is due soon, but a named member only when it is due', async () => {
    await enter('a|i|t', startedAt + AHEAD_MS / 2);
    await enter('b|j|t', startedAt + AHEAD_MS + HOUR_MS);
    await enter('c|k|t', 1_000);
    expect((await claim({ member: 'a|i|t' }))[1]).toEqual([]);
    expect((await claim({ member: 'gone|i|t' }))[1]).toEqual([]);
    expect((await claim({ member: 'c|k|t' }))[1]).toEqual(['c|k|t', '1000', '']);
    expect((await claim())[1]).toEqual(['a|i|t', String(startedAt + AHEAD_MS / 2), '']);
  });

  it('claims one session of an instance, and as many as the limit', async () => {
    for (const [i, member] of ['a|i|t', 'b|i|t', 'c|k|t', 'd|l|t'].entries()) await enter(member, 1_000 + i);
    expect((await claim({ limit: 2 }))[1]).toEqual(['a|i|t', '1000', '', 'c|k|t', '1002', '']);
    expect([await scoreOf('due', 'b|i|t'), await scoreOf('due', 'd|l|t')]).toEqual([1_001, 1_003]);
  });

  it('finds a member behind 1,000 whose instances are busy, though it may claim one alone', async () => {
    await add('busy', 'i', startedAt + LEASE_MS - 10_000);
    for (let n = 0; n < 1_000; n++) await enter(`m${n}|i|t`, n);
    await enter('a|j|t', 5_000);
    expect((await claim({ limit: 1 }))[1]).toEqual(['a|j|t', '5000', '']);
  });

  it('looks no further than 1,000 beyond its limit, or a call would keep Redis busy for long', async () => {
    await add('busy', 'i', startedAt + LEASE_MS - 10_000);
    for (let n = 0; n <= 1_000; n++) await enter(`m${n}|i|t`, n);
    await enter('a|j|t', 5_000);
    expect((await claim({ limit: 1 }))[1]).toEqual([]);
    expect((await claim({ limit: 2 }))[1]).toEqual(['a|j|t', '5000', '']);
  });

  it('lets a member go that nobody watches, and says so', async () => {
    await add('due', 'a|i|t', 1_000);
    await add('watch', 'a|i|t', startedAt - 1_000);
    await add('due', 'b|j|t', 1_000);
    await runtime.redis.hset(keys[3], 'a|i|t', 'state');
    const [, claimed, unwatched] = await claim();
    expect([claimed, unwatched]).toEqual([[], ['a|i|t', 'b|j|t']]);
    for (const left of [await scoreOf('due', 'a|i|t'), await scoreOf('watch', 'a|i|t'), await poked('a|i|t'), await scoreOf('busy', 'i')])
      expect(left).toBeNull();
  });

  it('drops a member that names no tenant, without a word', async () => {
    await enter('old', 1_000);
    expect((await claim()).slice(1)).toEqual([[], [], [], 0]);
    expect([await scoreOf('due', 'old'), await scoreOf('watch', 'old')]).toEqual([null, null]);
  });

  it('leaves a member its place while its instance is busy for no longer than a lease', async () => {
    await enter('a|i|t', 1_000);
    await add('busy', 'i', startedAt + LEASE_MS - 10_000);
    expect((await claim()).slice(1)).toEqual([[], [], [], 0]);
    expect(await scoreOf('due', 'a|i|t')).toBe(1_000);
  });

  it('puts it off to the end of a longer time, but by ten leases at most', async () => {
    await enter('a|i|t', 1_000);
    await enter('b|j|t', 1_000);
    await add('busy', 'i', startedAt + 2 * LEASE_MS);
    await add('busy', 'j', startedAt + HOUR_MS);
    const [now, ...rest] = await claim();
    expect(rest).toEqual([[], [], [], 2]);
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('due', 'b|j|t')]).toEqual([startedAt + 2 * LEASE_MS, now + 10 * LEASE_MS]);
  });

  it('lets a tenant hold its share of what is free, which shrinks with every claim', async () => {
    for (const [i, member] of ['a|i|t', 'b|j|t', 'c|k|t', 'd|l|u'].entries()) await enter(member, 1_000 + i);
    const [now, claimed, , waiting] = await claim({ free: 4, share: 0.5 });
    expect([claimed, waiting]).toEqual([['a|i|t', '1000', '', 'b|j|t', '1001', '', 'd|l|u', '1003', ''], ['c|k|t']]);
    expect([await scoreOf('due', 'c|k|t'), await scoreOf('busy', 'k')]).toEqual([now + WAIT_MS, null]);
  });

  it('counts what each tenant holds already', async () => {
    for (const member of ['a|i|t', 'b|j|u', 'c|k|v']) await enter(member, 1_000);
    const [, claimed, , waiting] = await claim({ free: 10, share: 0.5, held: ['t', 5, 'u', 4] });
    expect([claimed, waiting]).toEqual([['b|j|u', '1000', '', 'c|k|v', '1000', ''], ['a|i|t']]);
  });

  it('forgets instances that are free again, but not for a named member', async () => {
    await enter('a|i|t', 1_000);
    await add('busy', 'old', startedAt - 1_000);
    await add('busy', 'new', startedAt + HOUR_MS);
    await claim({ member: 'a|i|t' });
    expect(await scoreOf('busy', 'old')).toBe(startedAt - 1_000);
    await claim();
    expect([await scoreOf('busy', 'old'), await scoreOf('busy', 'new')]).toEqual([null, startedAt + HOUR_MS]);
  });
});
