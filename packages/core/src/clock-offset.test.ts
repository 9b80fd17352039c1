import fc from 'fast-check';
import { expect, it } from 'vitest';
import { correctOffset, isExact } from './clock-offset.ts';

const HOUR_MS = 3_600_000;
const ms = (max: number) => fc.double({ min: 0, max, noNaN: true });
const offset = fc.double({ min: -HOUR_MS, max: HOUR_MS, noNaN: true });

/** Redis answers after `there`, and its answer takes `back`. */
const measure = (trueMs: number, there: number, back: number) => ({ offsetMs: trueMs + (there - back) / 2, roundTripMs: there + back });

it('a prompt answer is believed', () => {
  expect(correctOffset(5_000, measure(10, 1, 3))).toBe(9);
});

it.each([
  ['before it waits', 0.2, 4_000],
  ['after it waited', 4_000, 0.2],
])('an answer that was held up changes a right offset by no more than it was wrong: made %s', (_when, there, back) => {
  for (const error of [-1, 1]) expect(Math.abs(correctOffset(10 + error, measure(10, there, back)) - 10)).toBeLessThanOrEqual(1);
});

it('an answer that was held up corrects an offset that is wrong by far', () => {
  expect(Math.abs(correctOffset(HOUR_MS, measure(10, 1_000, 2_000)) - 10)).toBeLessThanOrEqual(3_000);
});

it('no measurement makes the offset worse, but for what a prompt one cannot tell', () => {
  fc.assert(
    fc.property(offset, offset, ms(20_000), ms(20_000), (trueMs, knownMs, there, back) => {
      const measured = measure(trueMs, there, back);
      const wrongBy = Math.abs(correctOffset(knownMs, measured) - trueMs);
      const bound = isExact(measured) ? measured.roundTripMs / 2 : Math.min(Math.abs(knownMs - trueMs), measured.roundTripMs);
      expect(wrongBy).toBeLessThanOrEqual(bound + 1e-6);
    }),
  );
});
