import { expect, it } from 'vitest';
import { frequencyOf, timesPerInterval } from './intervals.ts';

it('counts the gaps from the first time over whole intervals', () => {
  expect(frequencyOf([300, 5_300, 10_250, 15_300], 5_000)).toEqual({ gaps: 3, intervals: 3, shortestGapMs: 4_950 });
  expect(frequencyOf([300], 5_000)).toEqual({ gaps: 0, intervals: 0, shortestGapMs: Number.NaN });
  expect(frequencyOf([], 5_000)).toEqual({ gaps: 0, intervals: 0, shortestGapMs: Number.NaN });
});

it('leaves out what comes after the last whole interval, but not what comes a little early', () => {
  expect(timesPerInterval([frequencyOf([0, 1_000, 5_000, 6_000, 10_000, 11_000], 5_000)])).toBe(2);
  expect(frequencyOf([0, 4_950], 5_000)).toMatchObject({ gaps: 1, intervals: 0.99 });
  expect(frequencyOf([0, 1_000], 5_000)).toMatchObject({ gaps: 0, shortestGapMs: 1_000 });
});

it('weighs what was seen for longer more', () => {
  const once = frequencyOf([0, 5_000, 10_000, 15_000], 5_000);
  const twice = frequencyOf([0, 2_500, 5_000], 5_000);
  expect(timesPerInterval([once])).toBe(1);
  expect(timesPerInterval([once, twice])).toBe(5 / 4);
  expect(timesPerInterval([])).toBeNaN();
});
