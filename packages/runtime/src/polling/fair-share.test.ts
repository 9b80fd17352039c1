import { describe, expect, it } from 'vitest';
import { createHolders, isWithinShare } from './fair-share.ts';

/**
 * Fills `slots` with requests of `greedy` that never end. Returns what each got and what stayed
 * free.
 */
function fill(slots: number, greedy: readonly string[]): { held: number[]; free: number } {
  const holders = createHolders();
  const free = (): number => slots - holders.total();
  for (let before = -1; before !== holders.total(); ) {
    before = holders.total();
    for (const id of greedy) if (isWithinShare(holders.of(id), free())) holders.take(id);
  }
  return { held: greedy.map(holders.of), free: free() };
}

describe('a fair share', () => {
  it('is three quarters for a single holder', () => {
    expect(fill(1_000, ['a'])).toEqual({ held: [750], free: 250 });
  });

  it('is equal for several holders, and leaves a third of a share free', () => {
    expect(fill(700, ['a', 'b'])).toEqual({ held: [300, 300], free: 100 });
    expect(fill(1_300, ['a', 'b', 'c', 'd'])).toEqual({ held: [300, 300, 300, 300], free: 100 });
  });

  it('admits a new holder whatever others hold, down to the last slot', () => {
    expect(isWithinShare(0, 1)).toBe(true);
    expect(isWithinShare(0, 0)).toBe(false);
    expect(fill(1, ['a'])).toEqual({ held: [1], free: 0 });
  });
});

describe('holders', () => {
  it('counts by id and in total, and forgets holders of nothing', () => {
    const holders = createHolders();
    for (const id of ['a', 'a', 'a', 'b']) holders.take(id);
    holders.giveBack('a');
    holders.giveBack('b');
    expect([holders.of('a'), holders.of('b'), holders.total()]).toEqual([2, 0, 2]);
    expect([holders.above(0), holders.above(2)]).toEqual([[['a', 2]], []]);
    expect(() => holders.giveBack('b')).toThrow('b holds nothing');
  });
});
