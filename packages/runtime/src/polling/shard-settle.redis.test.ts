/** The scripts that extend and settle what a shard's claim took: one call each, on sets that a test has filled itself. */

import { beforeEach, describe, expect, it } from 'vitest';
import { HOUR_MS, LEASE_MS, prepareShard } from '../../test/shard.ts';

const SPACING_MS = 1_100;

const shard = prepareShard();
const { add, expectFromNow, poked, scoreOf, script } = shard;

describe('shard-extend', () => {
  const extend = (...claims: (readonly [member: string, claimedAt: number])[]): Promise<unknown> =>
    script('shard-extend-3')([shard.keys[0], shard.keys[2], shard.keys[4]], [LEASE_MS, ...claims.flat()]);

  it('extends the claim of member and instance, and tells who left the set', async () => {
    await add('due', 'a|i|t', 1_000);
    await add('claims', 'i', 500);
    await add('claims', 'j', 600);
    expect(await extend(['a|i|t', 500], ['gone|j|t', 600])).toEqual(['gone|j|t']);
    await expectFromNow(await scoreOf('due', 'a|i|t'), LEASE_MS);
    await expectFromNow(await scoreOf('busy', 'i'), LEASE_MS);
    await expectFromNow(await scoreOf('busy', 'j'), LEASE_MS);
    expect(await scoreOf('due', 'gone|j|t')).toBeNull();
  });

  it('never frees an instance earlier', async () => {
    await add('due', 'a|i|t', 1_000);
    await add('claims', 'i', 500);
    await add('busy', 'i', shard.startedAt + HOUR_MS);
    await extend(['a|i|t', 500]);
    expect(await scoreOf('busy', 'i')).toBe(shard.startedAt + HOUR_MS);
  });

  it.each([700, null])("leaves another's claim, or one that is settled, alone", async (claimedAt) => {
    await add('due', 'a|i|t', 6_000);
    await add('busy', 'i', 6_000);
    if (claimedAt !== null) await add('claims', 'i', claimedAt);
    expect(await extend(['a|i|t', 500])).toEqual(['a|i|t']);
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('busy', 'i')]).toEqual([6_000, 6_000]);
  });
});

describe('shard-settle', () => {
  const CLAIMED_AT = 9_000;
  type Finished = readonly [member: string, sentAt: number, due: number | '', notBefore: number | ''];
  const settle = (...finished: Finished[]): Promise<unknown> => {
    const claims = finished.flatMap(([member, ...rest]) => [member, CLAIMED_AT, ...rest]);
    return script('shard-settle-5')(shard.keys, [SPACING_MS, LEASE_MS, ...claims]);
  };
  beforeEach(async () => {
    for (const member of ['a|i|t', 'b|j|t']) {
      await add('due', member, 1);
      await add('watch', member, 9_000_000);
    }
    for (const instance of ['i', 'j', 'k']) await add('claims', instance, CLAIMED_AT);
  });

  it('frees each instance after the spacing and sets when each member is due', async () => {
    await settle(['a|i|t', 10_000, 50_000, ''], ['b|j|t', 20_000, 60_000, '']);
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('busy', 'i')]).toEqual([50_000, 11_100]);
    expect([await scoreOf('due', 'b|j|t'), await scoreOf('busy', 'j')]).toEqual([60_000, 21_100]);
    expect([await scoreOf('claims', 'i'), await scoreOf('claims', 'j')]).toEqual([null, null]);
  });

  it('never makes a member due within the spacing', async () => {
    await settle(['a|i|t', 10_000, 10_500, '']);
    expect(await scoreOf('due', 'a|i|t')).toBe(11_100);
  });

  it('frees the instance when the provider allows it, and leaves the due time as told', async () => {
    await settle(['a|i|t', 10_000, 50_000, 90_000]);
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('busy', 'i')]).toEqual([50_000, 90_000]);
  });

  it('keeps a longer Retry-After that another request got meanwhile, and no lease', async () => {
    const [later, soon] = [shard.startedAt + HOUR_MS, shard.startedAt + LEASE_MS - 1_000];
    await add('busy', 'i', later);
    await add('busy', 'j', soon);
    await settle(['a|i|t', 10_000, 50_000, 90_000], ['b|j|t', 10_000, 50_000, '']);
    expect([await scoreOf('busy', 'i'), await scoreOf('busy', 'j')]).toEqual([later, 11_100]);
  });

  it('lets a member go that is not due again', async () => {
    await settle(['a|i|t', 10_000, '', '']);
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('watch', 'a|i|t')]).toEqual([null, null]);
    expect(await scoreOf('busy', 'i')).toBe(11_100);
  });

  it.each(['', 50_000] as const)('makes a poked member due when its instance is free, with "%s" told', async (due) => {
    await shard.runtime.redis.hset(shard.keys[3], 'a|i|t', 'state');
    await settle(['a|i|t', 10_000, due, 30_000]);
    expect([await scoreOf('due', 'a|i|t'), await scoreOf('watch', 'a|i|t')]).toEqual([30_000, 9_000_000]);
    expect(await poked('a|i|t')).toBe('state');
  });

  it('does not bring a member back', async () => {
    await settle(['gone|k|t', 10_000, 50_000, '']);
    expect([await scoreOf('due', 'gone|k|t'), await scoreOf('busy', 'k')]).toEqual([null, 11_100]);
  });

  describe("after another's claim of the instance, or sent twice", () => {
    const OTHERS = 15_000;
    beforeEach(async () => {
      await add('claims', 'i', 12_000);
      await add('due', 'a|i|t', OTHERS);
      await add('busy', 'i', OTHERS);
    });

    it.each(['', 50_000] as const)("leaves the other's claim alone, with %s told", async (due) => {
      await settle(['a|i|t', 10_000, due, '']);
      for (const set of ['due', 'busy'] as const) expect(await scoreOf(set, set === 'due' ? 'a|i|t' : 'i')).toBe(OTHERS);
      expect([await scoreOf('claims', 'i'), await scoreOf('watch', 'a|i|t')]).toEqual([12_000, 9_000_000]);
    });

    it('still keeps the Retry-After', async () => {
      await settle(['a|i|t', 10_000, 50_000, 90_000]);
      expect([await scoreOf('due', 'a|i|t'), await scoreOf('busy', 'i')]).toEqual([OTHERS, 90_000]);
    });
  });
});

describe('shard-leave', () => {
  const leave = (member: string): Promise<unknown> => script('shard-leave-3')([shard.keys[0], shard.keys[1], shard.keys[3]], [member]);
  beforeEach(async () => {
    await add('due', 'a|i|t', shard.startedAt + LEASE_MS);
    await shard.runtime.redis.hset(shard.keys[3], 'a|i|t', 'state');
  });

  it('removes a member that was reported as unwatched', async () => {
    expect(await leave('a|i|t')).toBe(1);
    expect([await scoreOf('due', 'a|i|t'), await poked('a|i|t')]).toEqual([null, null]);
    expect(await leave('a|i|t')).toBe(0);
  });

  it('leaves a member that somebody watches again', async () => {
    await add('watch', 'a|i|t', shard.startedAt + HOUR_MS);
    expect(await leave('a|i|t')).toBe(0);
    expect([await scoreOf('due', 'a|i|t'), await poked('a|i|t')]).toEqual([shard.startedAt + LEASE_MS, 'state']);
  });
});
