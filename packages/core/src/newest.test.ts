import { describe, expect, it } from 'vitest';
import { mustReadOn, type NewestPart, newestOf, type Place } from './newest.ts';

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
