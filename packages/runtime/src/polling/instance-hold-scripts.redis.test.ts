/** The three scripts of instance-hold.ts, one call each: the times that they store and answer. */

import { describe, expect, it } from 'vitest';
import { HOUR_MS, LEASE_MS, prepareShard } from '../../test/shard.ts';

const shard = prepareShard();
const { add, expectFromNow, scoreOf, script } = shard;

describe('instance-hold', () => {
  const hold = async (notAfter = shard.startedAt + HOUR_MS): Promise<[isHeld: number, ms: number]> =>
    (await script('instance-hold-2')([shard.keys[2], shard.keys[4]], ['i', LEASE_MS, notAfter])) as [number, number]; // as the script returns it

  it('holds a free instance for the lease, and is known by its start', async () => {
    const [isHeld, startedAt] = await hold();
    expect(isHeld).toBe(1);
    await expectFromNow(startedAt, 0);
    expect(await scoreOf('busy', 'i')).toBe(startedAt + LEASE_MS);
    expect(await scoreOf('claims', 'i')).toBe(startedAt);
  });

  it('holds an instance that was busy, and ends a claim whose lease is over', async () => {
    await add('busy', 'i', shard.startedAt);
    await add('claims', 'i', 500);
    const [isHeld, startedAt] = await hold();
    expect(isHeld).toBe(1);
    expect(await scoreOf('claims', 'i')).toBe(startedAt);
  });

  it('holds nothing after the moment at which its caller has given up', async () => {
    expect(await hold(shard.startedAt - 1)).toBeNull();
    expect(await scoreOf('busy', 'i')).toBeNull();
  });

  it('tells in how many ms a busy instance is free, and leaves it alone', async () => {
    const busyUntil = shard.startedAt + HOUR_MS;
    await add('busy', 'i', busyUntil);
    const [isHeld, freeInMs] = await hold();
    expect(isHeld).toBe(0);
    expect(freeInMs).toBeLessThanOrEqual(HOUR_MS);
    expect(freeInMs).toBeGreaterThanOrEqual(busyUntil - (await shard.now()));
    expect(await scoreOf('busy', 'i')).toBe(busyUntil);
  });
});

/** Adds a hold that began at 500 and lasts until `busyUntil`. */
async function addHold(busyUntil: number): Promise<void> {
  await add('busy', 'i', busyUntil);
  await add('claims', 'i', 500);
}

const bothKeys = (): string[] => [shard.keys[2], shard.keys[4]];
const extend = async (startedAt: number): Promise<number> =>
  Number(await script('instance-hold-extend-2')(bothKeys(), ['i', startedAt, LEASE_MS]));
const release = async (startedAt: number, inMs: number): Promise<number> =>
  Number(await script('instance-hold-release-2')(bothKeys(), ['i', startedAt, inMs, LEASE_MS]));

describe('instance-hold-extend', () => {
  it('extends a hold by the lease, as often as it is called', async () => {
    await addHold(shard.startedAt + 1);
    for (let i = 0; i < 2; i++) {
      expect(await extend(500)).toBe(1);
      await expectFromNow(await scoreOf('busy', 'i'), LEASE_MS);
    }
    expect(await scoreOf('claims', 'i')).toBe(500);
  });

  it('extends a hold whose lease is over, and whose instance nobody has taken since', async () => {
    await add('claims', 'i', 500); // a claim in its shard has removed the instance from `busy`
    expect(await extend(500)).toBe(1);
    await expectFromNow(await scoreOf('busy', 'i'), LEASE_MS);
  });

  it('leaves a longer Retry-After alone', async () => {
    await addHold(shard.startedAt + HOUR_MS);
    expect(await extend(500)).toBe(1);
    expect(await scoreOf('busy', 'i')).toBe(shard.startedAt + HOUR_MS);
  });
});

describe('instance-hold-release', () => {
  it('frees the instance after the given time', async () => {
    await addHold(shard.startedAt + LEASE_MS);
    expect(await release(500, 1_000)).toBe(1);
    await expectFromNow(await scoreOf('busy', 'i'), 1_000);
    expect(await scoreOf('claims', 'i')).toBeNull();
  });

  it('frees it later if its own Retry-After lasts longer than a lease', async () => {
    await addHold(shard.startedAt + LEASE_MS);
    expect(await release(500, HOUR_MS)).toBe(1);
    await expectFromNow(await scoreOf('busy', 'i'), HOUR_MS);
  });

  it.each([1_000, 2 * HOUR_MS])('leaves the later of two times: a Retry-After of another request, and %i ms', async (inMs) => {
    await addHold(shard.startedAt + HOUR_MS);
    expect(await release(500, inMs)).toBe(1);
    if (inMs < HOUR_MS) expect(await scoreOf('busy', 'i')).toBe(shard.startedAt + HOUR_MS);
    else await expectFromNow(await scoreOf('busy', 'i'), inMs);
  });
});

describe.each([
  ['extended', extend],
  ['released', (startedAt: number) => release(startedAt, HOUR_MS)],
] as const)('a hold that is %s', (_name, move) => {
  it('leaves an instance alone that another has claimed since, and answers 0', async () => {
    await add('busy', 'i', shard.startedAt + 5_000);
    await add('claims', 'i', 700);
    expect(await move(500)).toBe(0);
    expect(await scoreOf('busy', 'i')).toBe(shard.startedAt + 5_000);
    expect(await scoreOf('claims', 'i')).toBe(700);
  });

  it('after its release changes nothing, and answers 0', async () => {
    await addHold(shard.startedAt + LEASE_MS);
    await release(500, 1_000);
    const freeAt = await scoreOf('busy', 'i');
    expect(await move(500)).toBe(0);
    expect(await scoreOf('busy', 'i')).toBe(freeAt);
  });

  it('does not bring back a hold that is gone', async () => {
    expect(await move(500)).toBe(0);
    expect(await scoreOf('busy', 'i')).toBeNull();
    expect(await scoreOf('claims', 'i')).toBeNull();
  });
});
