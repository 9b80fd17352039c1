/** Against a list that is gone through from its beginning each time. A failure prints the seed and path that replay it. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createEvictionPool } from './fair-eviction.ts';

type Change =
  | { readonly kind: 'add'; readonly group: string }
  | { readonly kind: 'delete'; readonly nth: number }
  | { readonly kind: 'cut' };

/** Few groups, so that they are often as large as each other; now and then all are gone. */
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), group: fc.constantFrom('a', 'b', 'c', 'd') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), nth: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'cut' as const }) },
);

interface Listed {
  readonly member: number;
  readonly group: string;
}

/** Groups of one size: the one that has had it since the earliest change. */
function firstOf(listed: readonly Listed[], changedAt: ReadonlyMap<string, number>): number | null {
  const sizeOf = (group: string): number => listed.filter((one) => one.group === group).length;
  const names = [...new Set(listed.map(({ group }) => group))];
  const [name] = names.sort((a, b) => sizeOf(b) - sizeOf(a) || (changedAt.get(a) ?? 0) - (changedAt.get(b) ?? 0));
  return listed.find(({ group }) => group === name)?.member ?? null;
}

it('tells at any time who has been there for longest in the largest group', () => {
  const ties = { seen: 0 };
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const crowd = createEvictionPool<number>();
      const changedAt = new Map<string, number>();
      let listed: readonly Listed[] = [];
      function leave(gone: Listed | undefined, at: number): void {
        if (gone === undefined) return;
        crowd.delete(gone.member);
        listed = listed.filter((one) => one !== gone);
        changedAt.set(gone.group, at);
      }
      for (const [at, made] of changes.entries()) {
        if (made.kind === 'add') {
          crowd.add(at, made.group);
          listed = [...listed, { member: at, group: made.group }];
          changedAt.set(made.group, at);
        } else if (made.kind === 'delete') leave(listed[made.nth], at);
        else {
          const first = crowd.nextToEvict();
          leave(
            listed.find(({ member }) => member === first),
            at,
          );
        }
        expect(crowd.nextToEvict()).toBe(firstOf(listed, changedAt));
        expect([...crowd.members()]).toEqual(listed.map(({ member }) => member));
        expect(crowd.size()).toBe(listed.length);
        const sizes = ['a', 'b', 'c', 'd'].map((name) => listed.filter(({ group }) => group === name).length).sort((a, b) => b - a);
        if (listed.length > 1 && sizes[0] === sizes[1]) ties.seen += 1;
      }
    }),
    { numRuns: 500 },
  );
  expect(ties.seen).toBeGreaterThan(100);
});

it('with everybody in one group is a queue', () => {
  const crowd = createEvictionPool<number>();
  for (const member of [3, 1, 2]) crowd.add(member, '');
  crowd.delete(1);
  const gone = [];
  for (let first = crowd.nextToEvict(); first !== null; first = crowd.nextToEvict()) {
    gone.push(first);
    crowd.delete(first);
  }
  expect(gone).toEqual([3, 2]);
});

it('takes nobody twice, and misses nobody who was not there', () => {
  const crowd = createEvictionPool<string>();
  crowd.delete('nobody');
  expect(crowd.nextToEvict()).toBeNull();
  crowd.add('one', 'a');
  crowd.add('other', 'b');
  crowd.add('one', 'b');
  expect([crowd.size(), crowd.nextToEvict()]).toEqual([2, 'one']);
  crowd.delete('one');
  crowd.delete('one');
  expect([crowd.size(), crowd.nextToEvict()]).toEqual([1, 'other']);
});

it('lets one group grow to the size of the others, and no further, whatever their number', () => {
  const crowd = createEvictionPool<string>();
  for (let i = 0; i < 3; i++) for (const group of ['a', 'b', 'c']) crowd.add(`${group}${i}`, group);
  for (let i = 0; i < 100; i++) {
    crowd.add(`flood${i}`, 'flood');
    const first = crowd.nextToEvict() ?? expect.unreachable('there are nine');
    crowd.delete(first);
  }
  const left = [...crowd.members()].map((member) => member.replace(/\d+$/, ''));
  expect(Object.fromEntries(['a', 'b', 'c', 'flood'].map((group) => [group, left.filter((one) => one === group).length]))).toEqual({
    a: 2,
    b: 2,
    c: 2,
    flood: 3,
  });
});
