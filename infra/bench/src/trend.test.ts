import { expect, it } from 'vitest';
import { type Sample, trendOf } from './trend.ts';

const line = (count: number, at: (minute: number) => number): Sample[] =>
  Array.from({ length: count }, (_, index) => ({ minute: index / 2, value: at(index / 2) }));

it('is flat where nothing grows, whatever happened before it had settled', () => {
  expect(
    trendOf(
      line(120, (minute) => (minute < 10 ? minute : 50)),
      10,
    ),
  ).toEqual({ first: 50, last: 50, perHour: 0 });
});

it('is the growth of an hour', () => {
  const { first, last, perHour } = trendOf(
    line(121, (minute) => 100 + minute),
    10,
  );
  expect(perHour).toBeCloseTo(60);
  expect(first).toBeCloseTo(112.25); // of ten samples, from minute 10 to 14.5
  expect(last).toBeCloseTo(157.75);
});

it('is not moved by one sample far off', () => {
  const samples = line(60, () => 10).map((sample, index) => (index === 25 ? { ...sample, value: 1_000 } : sample));
  expect(trendOf(samples, 10)).toMatchObject({ first: 10, last: 10 });
});

it('takes fewer samples together in a short run', () => {
  expect(
    trendOf(
      line(4, (minute) => minute),
      0,
    ),
  ).toMatchObject({ first: 0.25, last: 1.25 });
});

it('is not a number without samples', () => {
  expect(trendOf([], 10)).toEqual({ first: Number.NaN, last: Number.NaN, perHour: Number.NaN });
});
