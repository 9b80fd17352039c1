/** The scripts by which members enter the sets of a shard, stay watched and become due earlier: one call each, on sets that a test has filled itself. */

import { describe, expect, it } from 'vitest';
import { HOUR_MS, LEASE_MS, prepareShard } from '../../test/shard.ts';
import { publishCommand } from '../redis/publish.ts';

const shard = prepareShard();
const { add, expectFromNow, poked, scoreOf, script } = shard;

async function enter(due: number): Promise<void> {
  await add('due', 'a|i|t', due);
  await add('watch', 'a|i|t', 4_000);
}

describe('shard-renew', () => {
  const renew = (until: number, ...members: string[]): Promise<unknown> =>
    script('shard-renew-2')(shard.keys.slice(0, 2), [until, ...members]);

  it('makes the watch of members in the due-set longer and never shorter, and tells the others', async () => {
    for (const member of ['a|i|t', 'b|i|t', 'reported|i|t']) await add('due', member, 1);
    for (const member of ['a|i|t', 'b|i|t', 'gone|i|t']) await add('watch', member, 2_000);
    expect(await renew(3_000, 'a|i|t', 'gone|i|t', 'reported|i|t')).toEqual(['gone|i|t', 'reported|i|t']);
    expect(await scoreOf('watch', 'reported|i|t')).toBeNull();
    expect(await renew(1_000, 'b|i|t')).toEqual([]);
    expect([await scoreOf('watch', 'a|i|t'), await scoreOf('watch', 'b|i|t'), await scoreOf('watch', 'gone|i|t')]).toEqual([
      3_000, 2_000, 2_000,
    ]);
  });
});

describe('shard-ensure', () => {
  const ensure = (until: number, due: number | '', replaces: '1' | '' = ''): Promise<unknown> =>
    script('shard-ensure-3')(shard.keys.slice(0, 3), [
      'a|i|t',
      'i',
      until,
      LEASE_MS,
      due,
      replaces,
      shard.keys[0].replace(/due$/, 'filled'),
      publishCommand(shard.runtime.redis),
    ]);

  it('puts a new member in, due now, and watches it', async () => {
    expect(await ensure(5_000, '')).toEqual([0, 0]);
    await expectFromNow(await scoreOf('due', 'a|i|t'), 0);
    expect(await scoreOf('watch', 'a|i|t')).toBe(5_000);
  });

  it('puts a new member in as told, and now where that time is over', async () => {
    const due = shard.startedAt + HOUR_MS;
    const [busyForMs, dueInMs] = (await ensure(5_000, due)) as [number, number];
    expect(busyForMs).toBe(0);
    expect(dueInMs).toBeLessThanOrEqual(HOUR_MS);
    expect(dueInMs).toBeGreaterThanOrEqual(due - (await shard.now()));
    expect(await scoreOf('due', 'a|i|t')).toBe(due);
    await shard.runtime.redis.zrem(shard.keys[0], 'a|i|t');
    expect(await ensure(5_000, 1_000)).toEqual([0, 0]);
    await expectFromNow(await scoreOf('due', 'a|i|t'), 0);
  });

  it('takes a member that was reported as unwatched for a new one', async () => {
    for (const due of ['', shard.startedAt + HOUR_MS] as const) {
      await add('due', 'a|i|t', shard.startedAt + LEASE_MS);
      await shard.runtime.redis.zrem(shard.keys[1], 'a|i|t');
      await ensure(5_000, due);
      if (due === '') await expectFromNow(await scoreOf('due', 'a|i|t'), 0);
      else expect(await scoreOf('due', 'a|i|t')).toBe(due);
    }
  });

  it('leaves a member that is there alone, if no time is told', async () => {
    await enter(1_000);
    await add('busy', 'i', shard.startedAt + HOUR_MS);
    expect(await ensure(5_000, '')).toEqual([0, -1]);
    expect(await scoreOf('due', 'a|i|t')).toBe(1_000);
  });

  it('makes a member that is there due earlier, never later', async () => {
    await enter(shard.startedAt + 2 * HOUR_MS);
    await ensure(5_000, shard.startedAt + 3 * HOUR_MS);
    expect(await scoreOf('due', 'a|i|t')).toBe(shard.startedAt + 2 * HOUR_MS);
    await ensure(5_000, shard.startedAt + HOUR_MS);
    expect(await scoreOf('due', 'a|i|t')).toBe(shard.startedAt + HOUR_MS);
  });

  it('makes the watch shorter only where it replaces one', async () => {
    await ensure(5_000, '');
    await ensure(4_000, '');
    expect(await scoreOf('watch', 'a|i|t')).toBe(5_000);
    await ensure(4_000, '', '1');
    expect(await scoreOf('watch', 'a|i|t')).toBe(4_000);
  });

  it('keeps a member due now while its instance is busy for no longer than a lease', async () => {
    const busyUntil = shard.startedAt + LEASE_MS - 10_000;
    await add('busy', 'i', busyUntil);
    const [busyForMs, dueInMs] = (await ensure(5_000, '')) as [number, number];
    await expectFromNow(await scoreOf('due', 'a|i|t'), 0);
    expect(dueInMs).toBe(busyForMs);
    expect(busyForMs).toBeLessThanOrEqual(LEASE_MS - 10_000);
    expect(busyForMs).toBeGreaterThanOrEqual(busyUntil - (await shard.now()));
  });

  it('puts it off to the end of a longer time, but by ten leases at most', async () => {
    await add('busy', 'i', shard.startedAt + 2 * LEASE_MS);
    await ensure(5_000, '');
    expect(await scoreOf('due', 'a|i|t')).toBe(shard.startedAt + 2 * LEASE_MS);
    await shard.runtime.redis.zrem(shard.keys[0], 'a|i|t');
    await add('busy', 'i', shard.startedAt + HOUR_MS);
    const [busyForMs, dueInMs] = (await ensure(5_000, '')) as [number, number];
    expect(dueInMs).toBe(busyForMs);
    await expectFromNow(await scoreOf('due', 'a|i|t'), 10 * LEASE_MS);
  });

  it('leaves the time told where it is later than that end', async () => {
    await add('busy', 'i', shard.startedAt + 2 * LEASE_MS);
    const [busyForMs, dueInMs] = (await ensure(5_000, shard.startedAt + HOUR_MS)) as [number, number];
    expect(await scoreOf('due', 'a|i|t')).toBe(shard.startedAt + HOUR_MS);
    expect(dueInMs - busyForMs).toBe(HOUR_MS - 2 * LEASE_MS);
  });
});

describe('shard-poke', () => {
  const poke = (): Promise<unknown> => script('shard-poke-4')(shard.keys.slice(0, 4), ['a|i|t', 'i', 'state']);

  it('does nothing to a member that is not in the set', async () => {
    expect(await poke()).toBe(-1);
    expect([await scoreOf('due', 'a|i|t'), await poked('a|i|t')]).toEqual([null, null]);
  });

  it('nor to one that was reported as unwatched', async () => {
    await add('due', 'a|i|t', shard.startedAt + HOUR_MS);
    expect(await poke()).toBe(-1);
    expect([await scoreOf('due', 'a|i|t'), await poked('a|i|t')]).toEqual([shard.startedAt + HOUR_MS, null]);
  });

  it('makes a member due now, and notes the method', async () => {
    await enter(shard.startedAt + HOUR_MS);
    expect(await poke()).toBe(0);
    await expectFromNow(await scoreOf('due', 'a|i|t'), 0);
    expect(await poked('a|i|t')).toBe('state');
  });

  it('makes it due when its instance is free, and tells in how many ms that is', async () => {
    await enter(shard.startedAt + 2 * HOUR_MS);
    await add('busy', 'i', shard.startedAt + HOUR_MS);
    const dueInMs = Number(await poke());
    expect(dueInMs).toBeLessThanOrEqual(HOUR_MS);
    expect(dueInMs).toBeGreaterThanOrEqual(shard.startedAt + HOUR_MS - (await shard.now()));
    expect(await scoreOf('due', 'a|i|t')).toBe(shard.startedAt + HOUR_MS);
  });

  it('never makes it due later', async () => {
    await enter(1_000);
    await poke();
    expect(await scoreOf('due', 'a|i|t')).toBe(1_000);
  });
});
