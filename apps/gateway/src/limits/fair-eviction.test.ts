/**
 * Compares the pool with a list that is searched from its beginning each time. A failure prints the
 * seed and path that replay it.
 */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createEvictionPool } from './fair-eviction.ts';

type Change =
  | { readonly kind: 'add'; readonly group: string }
  | { readonly kind: 'delete'; readonly nth: number }
  | { readonly kind: 'cut' };

/** Few groups, so that they are often equally large, and sometimes all are empty. */
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), group: fc.constantFrom('a', 'b', 'c', 'd') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), nth: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'cut' as const }) },
);

interface Listed {
  readonly member: number;
  readonly group: string;
}

/** Among groups of one size it is the one that has had it since the earliest change. */
function firstOf(listed: readonly Listed[], changedAt: ReadonlyMap<string, number>): number | null {
  const sizeOf = (group: string): number => listed.filter((one) => one.group === group).length;
  const names = [...new Set(listed.map(({ group }) => group))];
  const [name] = names.sort((a, b) => sizeOf(b) - sizeOf(a) || (changedAt.get(a) ?? 0) - (changedAt.get(b) ?? 0));
  return listed.find(({ group }) => group === name)?.member ?? null;
}

it('always names the oldest member of the largest group', () => {
  const ties = { seen: 0 };
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const pool = createEvictionPool<number>();
      const changedAt = new Map<string, number>();
      let listed: readonly Listed[] = [];
      function leave(gone: Listed | undefined, at: number): void {
        if (gone === undefined) return;
        pool.delete(gone.member);
        listed = listed.filter((one) => one !== gone);
        changedAt.set(gone.group, at);
      }
      for (const [at, made] of changes.entries()) {
        if (made.kind === 'add') {
          pool.add(at, made.group);
          listed = [...listed, { member: at, group: made.group }];
          changedAt.set(made.group, at);
        } else if (made.kind === 'delete') leave(listed[made.nth], at);
        else {
          const first = pool.nextToEvict();
          leave(
            listed.find(({ member }) => member === first),
            at,
          );
        }
        expect(pool.nextToEvict()).toBe(firstOf(listed, changedAt));
        expect([...pool.members()]).toEqual(listed.map(({ member }) => member));
        expect(pool.size()).toBe(listed.length);
        const sizes = ['a', 'b', 'c', 'd'].map((name) => listed.filter(({ group }) => group === name).length).sort((a, b) => b - a);
        if (listed.length > 1 && sizes[0] === sizes[1]) ties.seen += 1;
      }
    }),
    { numRuns: 500 },
  );
  expect(ties.seen).toBeGreaterThan(100);
});

it('is a queue if all members are in one group', () => {
  const pool = createEvictionPool<number>();
  for (const member of [3, 1, 2]) pool.add(member, '');
  pool.delete(1);
  const gone = [];
  for (let first = pool.nextToEvict(); first !== null; first = pool.nextToEvict()) {
    gone.push(first);
    pool.delete(first);
  }
  expect(gone).toEqual([3, 2]);
});

it('adds no member twice, and ignores the deletion of an unknown one', () => {
  const pool = createEvictionPool<string>();
  pool.delete('nobody');
  expect(pool.nextToEvict()).toBeNull();
  pool.add('one', 'a');
  pool.add('other', 'b');
  pool.add('one', 'b');
  expect([pool.size(), pool.nextToEvict()]).toEqual([2, 'one']);
  pool.delete('one');
  pool.delete('one');
  expect([pool.size(), pool.nextToEvict()]).toEqual([1, 'other']);
});

it('lets one group grow to the size of the others, and no further, whatever their number', () => {
  const pool = createEvictionPool<string>();
  for (let i = 0; i < 3; i++) for (const group of ['a', 'b', 'c']) pool.add(`${group}${i}`, group);
  for (let i = 0; i < 100; i++) {
    pool.add(`flood${i}`, 'flood');
    const first = pool.nextToEvict() ?? expect.unreachable('there are nine');
    pool.delete(first);
  }
  const left = [...pool.members()].map((member) => member.replace(/\d+$/, ''));
  expect(Object.fromEntries(['a', 'b', 'c', 'flood'].map((group) => [group, left.filter((one) => one === group).length]))).toEqual({
    a: 2,
    b: 2,
    c: 2,
    flood: 3,
  });
});
