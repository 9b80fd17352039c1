/** The script that claims what is due in a shard: every rule and limit, without waiting for a poll, on sets that a test has filled itself. */

import { describe, expect, it } from 'vitest';
import { HOUR_MS, LEASE_MS, prepareShard } from '../../test/shard.ts';

const shard = prepareShard();
const { add, expectFromNow, poked, scoreOf, script } = shard;

describe('shard-claim', () => {
  const AHEAD_MS = 100_000;
  const WAIT_MS = 30_000;
  interface Call {
    readonly limit?: number;
    readonly member?: string;
    readonly free?: number;
    readonly share?: number;
    readonly notAfter?: number;
    /** Per tenant: its id and how many it holds. */
    readonly held?: readonly (string | number)[];
  }
  type Reply = [now: number, claimed: string[], unwatched: string[], waiting: string[], postponed: number];
  async function claim(call: Call = {}): Promise<Reply> {
    const { limit = 10, member = '', free = 100, share = 1, notAfter = shard.startedAt + HOUR_MS, held = [] } = call;
    const args = [limit, LEASE_MS, member, AHEAD_MS, free, share, WAIT_MS, notAfter, ...held];
    const reply = await script('shard-claim-5')(shard.keys, args);
    return reply as Reply; // as the script returns it
  }
  async function enter(member: string, due: number): Promise<void> {
    await add('due', member, due);
    await add('watch', member, shard.startedAt + HOUR_MS);
  }

  it('claims what is due for the lease, with its instance, its due time and what a poke asked for', async () => {
    await enter('a|i|t', 1_000);
    await enter('b|j|t', 2_000);
    await shard.runtime.redis.hset(shard.keys[3], 'a|i|t', 'state');
    const [now, ...rest] = await claim();
    expect(rest).toEqual([['a|i|t', '1000', 'state', 'b|j|t', '2000', ''], [], [], 0]);
    await expectFromNow(now, 0);
    expect([await scoreOf('claims', 'i'), await scoreOf('claims', 'j')]).toEqual([now, now]);
    for (const score of [await scoreOf('due', 'a|i|t'), await scoreOf('busy', 'i'), await scoreOf('busy', 'j')])
      expect(score).toBe(now + LEASE_MS);
    expect(await poked('a|i|t')).toBeNull();
  });

  it('claims what is due soon, but a named member only when it is due', async () => {
    await enter('a|i|t', shard.startedAt + AHEAD_MS / 2);
    await enter('b|j|t', shard.startedAt + AHEAD_MS + HOUR_MS);
    await enter('c|k|t', 1_000);
    expect((await claim({ member: 'a|i|t' }))[1]).toEqual([]);
    expect((await claim({ member: 'gone|i|t' }))[1]).toEqual([]);
    expect((await claim({ member: 'c|k|t' }))[1]).toEqual(['c|k|t', '1000', '']);
    expect((await claim())[1]).toEqual(['a|i|t', String(shard.startedAt + AHEAD_MS / 2), '']);
  });

  it('claims one session of an instance, and as many as the limit', async () => {
    for (const [i, member] of ['a|i|t', 'b|i|t', 'c|k|t', 'd|l|t'].entries()) await enter(member, 1_000 + i);
    expect((await claim({ limit: 2 }))[1]).toEqual(['a|i|t', '1000', '', 'c|k|t', '1002', '']);
    expect([await scoreOf('due', 'b|i|t'), await scoreOf('due', 'd|l|t')]).toEqual([1_001, 1_003]);
  });

  it('claims nothing after the moment at which its caller has given up', async () => {
    await enter('a|i|t', 1_000);
    expect(await claim({ notAfter: shard.startedAt - 1 })).toBeNull();
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('busy', 'i')]).toEqual([1_000, null]);
    expect((await claim())[1]).toEqual(['a|i|t', '1000', '']); // twin: in time it does
  });

  it('finds a member behind 1,000 whose instances are busy, though it may claim one alone', async () => {
    await add('busy', 'i', shard.startedAt + LEASE_MS - 10_000);
    for (let n = 0; n < 1_000; n++) await enter(`m${n}|i|t`, n);
    await enter('a|j|t', 5_000);
    expect((await claim({ limit: 1 }))[1]).toEqual(['a|j|t', '5000', '']);
  });

  it('looks no further than 1,000 beyond its limit, or a call would keep Redis busy for long', async () => {
    await add('busy', 'i', shard.startedAt + LEASE_MS - 10_000);
    for (let n = 0; n <= 1_000; n++) await enter(`m${n}|i|t`, n);
    await enter('a|j|t', 5_000);
    expect((await claim({ limit: 1 }))[1]).toEqual([]);
    expect((await claim({ limit: 2 }))[1]).toEqual(['a|j|t', '5000', '']);
  });

  it('reports a member that nobody watches, and keeps it for the lease: its reporter may die', async () => {
    await add('due', 'a|i|t', 1_000);
    await add('watch', 'a|i|t', shard.startedAt - 1_000);
    await add('due', 'b|j|t', 1_000);
    const [now, claimed, unwatched] = await claim();
    expect([claimed, unwatched]).toEqual([[], ['a|i|t', 'b|j|t']]);
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('due', 'b|j|t')]).toEqual([now + LEASE_MS, now + LEASE_MS]);
    expect([await scoreOf('watch', 'a|i|t'), await scoreOf('busy', 'i')]).toEqual([null, null]);
    await add('due', 'a|i|t', 1_000); // as if the lease had ended
    expect((await claim())[2]).toContain('a|i|t');
  });

  it('drops a member that names no tenant, without a word', async () => {
    await enter('old', 1_000);
    expect((await claim()).slice(1)).toEqual([[], [], [], 0]);
    expect([await scoreOf('due', 'old'), await scoreOf('watch', 'old')]).toEqual([null, null]);
  });

  it('leaves a member its place while its instance is busy for no longer than a lease', async () => {
    await enter('a|i|t', 1_000);
    await add('busy', 'i', shard.startedAt + LEASE_MS - 10_000);
    expect((await claim()).slice(1)).toEqual([[], [], [], 0]);
    expect(await scoreOf('due', 'a|i|t')).toBe(1_000);
  });

  it('puts it off to the end of a longer time, but by ten leases at most', async () => {
    await enter('a|i|t', 1_000);
    await enter('b|j|t', 1_000);
    await add('busy', 'i', shard.startedAt + 2 * LEASE_MS);
    await add('busy', 'j', shard.startedAt + HOUR_MS);
    const [now, ...rest] = await claim();
    expect(rest).toEqual([[], [], [], 2]);
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('due', 'b|j|t')]).toEqual([shard.startedAt + 2 * LEASE_MS, now + 10 * LEASE_MS]);
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
    await add('busy', 'old', shard.startedAt - 1_000);
    await add('busy', 'new', shard.startedAt + HOUR_MS);
    await add('claims', 'old', shard.startedAt - HOUR_MS - 1);
    await claim({ member: 'a|i|t' });
    expect(await scoreOf('busy', 'old')).toBe(shard.startedAt - 1_000);
    await claim();
    expect([await scoreOf('busy', 'old'), await scoreOf('busy', 'new')]).toEqual([null, shard.startedAt + HOUR_MS]);
    expect(await scoreOf('claims', 'old')).toBeNull();
  });
});
