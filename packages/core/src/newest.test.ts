import { describe, expect, it } from 'vitest';
import { fairShareOf, inTurns, isShareShort, mustReadOn, type NewestPart, newestOf, type Place } from './newest.ts';

/** `a5`: the session `a5` of the tenant `a`, created at 5. */
const place = (name: string): Place => ({ id: name, tenantId: name.charAt(0), createdAt: Number(name.slice(1, 2)) });
const part = (names: string, isWhole: boolean): NewestPart => ({ places: names.split(' ').filter(Boolean).map(place), isWhole });

describe('the newest of several lists', () => {
  it.each([
    ['nothing', [], 2, '', true],
    ['one whole list', [part('a3 a1', true)], 2, 'a3 a1', true],
    ['two lists, merged', [part('a5 a1', true), part('b4 b3', true)], 4, 'a5 b4 b3 a1', true],
    ['more than asked for', [part('a5 a1', true), part('b4 b3', true)], 3, 'a5 b4 b3', false],
    ['a list that was read in part', [part('a5', false), part('b4', true)], 9, 'a5 b4', false],
    ['one moment: by id, as Redis sorts', [part('a5z a5a', true), part('a5k', true)], 3, 'a5z a5k a5a', true],
  ] as const)('%s', (_name, parts, count, names, isWhole) => {
    const newest = newestOf(parts, count);
    expect([newest.places.map(({ id }) => id).join(' '), newest.isWhole]).toEqual([names, isWhole]);
  });
});

describe('a list is read on', () => {
  const newest = part('a5 b4 b3', false);
  it.each([
    ['never if it is whole', part('a5', true), 4, false],
    ['while there are too few', part('b4 b3', false), 4, true],
    ['if all that was read of it is among the newest', part('b4 b3', false), 3, true],
    ['not if its last is older than all of them', part('a5 a1', false), 3, false],
    ['if nothing of it was read', part('', false), 3, true],
  ] as const)('%s', (_name, one, count, isNeeded) => {
    expect(mustReadOn(one, newest, count)).toBe(isNeeded);
  });
});

describe('a fair share', () => {
  it.each([
    ['takes the newest of each, then the second of each', [part('a9 a8 a7 a6', true), part('b2 b1', true)], 4, 'a9 b2 a8 b1', false],
    ['is everything if there is room, in turns', [part('a9 a8 a7', true), part('b2', true)], 9, 'a9 b2 a8 a7', true],
    ['gives the last turn to the newest', [part('a3 a2', true), part('b9 b8', true)], 3, 'b9 a3 b8', false],
    ['is of a list that was read in part', [part('a9', false), part('b2', true)], 9, 'a9 b2', false],
    ['of nothing', [], 9, '', true],
  ] as const)('%s', (_name, parts, count, names, isWhole) => {
    const share = fairShareOf(parts, count);
    expect([share.places.map(({ id }) => id).join(' '), share.isWhole]).toEqual([names, isWhole]);
  });

  it('does not depend on how much more of a list was read', () => {
    const [more, less] = [part('a9 a8 a7 a6', true), part('a9 a8', false)];
    const other = part('b2 b1', true);
    expect(isShareShort([less, other], 4)).toBe(false);
    expect(fairShareOf([less, other], 4).places).toEqual(fairShareOf([more, other], 4).places);
    expect(isShareShort([less, other], 5)).toBe(true);
  });

  it('puts nothing out of its place for one tenant alone', () => {
    expect(inTurns(part('a9 a8 a7', true).places)).toEqual(part('a9 a8 a7', true).places);
  });
});
