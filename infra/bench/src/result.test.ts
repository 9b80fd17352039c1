import { expect, it } from 'vitest';
import { medianOf, ratiosOf } from './result.ts';

it('takes the middle of the rounds, and the mean of two in the middle', () => {
  expect(medianOf([9, 1, 5])).toBe(5);
  expect(medianOf([8, 1, 4, 2])).toBe(3);
  expect(medianOf(7)).toBe(7);
  expect(medianOf([])).toBeNaN();
});

it('divides round by round, because one round had one machine', () => {
  expect(ratiosOf([2, 30], [1, 10])).toEqual([2, 3]);
});

it('divides the medians of rounds that are not the same ones', () => {
  expect(ratiosOf([2, 4, 6], [1, 3])).toEqual([2]);
  expect(ratiosOf(6, [1, 3])).toEqual([3]);
});

it.each([null, 0, [1, 0], [Number.NaN, 1]])('has no ratio to %j', (other) => {
  expect(ratiosOf([1, 2], other)).toEqual([]);
});
