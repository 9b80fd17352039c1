import { expect, it } from 'vitest';
import { createTokenBuckets } from './token-buckets.ts';

it('gives the tokens of a minute at once, then one by one, separately for each key', () => {
  let now = 0;
  const buckets = createTokenBuckets(() => now);
  const taken = Array.from({ length: 4 }, () => buckets.take('a', 3));
  expect(taken).toEqual([0, 0, 0, 20_000]);
  expect(buckets.waitMs('a', 3)).toBe(20_000);
  expect(buckets.take('b', 3)).toBe(0);
  now = 19_999;
  expect(buckets.take('a', 3)).toBe(1);
  now = 20_000;
  expect(buckets.take('a', 3)).toBe(0);
  now = 200_000;
  expect(Array.from({ length: 4 }, () => buckets.take('a', 3))).toEqual([0, 0, 0, 20_000]);
});

it('forgets the least recently used key, not a busy one', () => {
  const buckets = createTokenBuckets(() => 0);
  buckets.take('busy', 1);
  for (let i = 0; i < 10_000; i++) {
    buckets.take(`other-${i}`, 1);
    if (i % 1_000 === 0) expect(buckets.take('busy', 1)).toBe(60_000);
  }
  expect(buckets.waitMs('busy', 1)).toBe(60_000);
  expect(buckets.waitMs('other-0', 1)).toBe(0);
});
