import { describe, expect, it } from 'vitest';
import { BACKOFF, hurryDelayMs, MAX_HINT_MS, retryDelayMs, retryFloorMs } from './retry.ts';

const ALMOST_ONE = 1 - Number.EPSILON;

describe('retry delay', () => {
  it('spreads over an interval that doubles up to a cap', () => {
    expect(BACKOFF).toEqual({ baseMs: 1_000, capMs: 15_000 });
    expect(retryDelayMs(0, 0, 0)).toBe(0);
    expect(retryDelayMs(0, 0, 0.5)).toBe(500);
    expect(retryDelayMs(2, 0, 0.5)).toBe(2_000);
    expect(retryDelayMs(60, 0, 0.5)).toBe(7_500);
    expect(retryDelayMs(5_000, 0, 0.5)).toBe(7_500);
  });

  it('is never shorter than the hint of the server', () => {
    expect(retryDelayMs(0, 4_000, 0)).toBe(4_000);
    expect(retryDelayMs(0, 4_000, 0.5)).toBe(4_500);
    expect(retryFloorMs(4_000)).toBe(4_000);
    expect([retryDelayMs(0, MAX_HINT_MS, 0), retryFloorMs(MAX_HINT_MS)]).toEqual([60_000, 60_000]);
  });

  it.each([60_000.5, 3_600_000, 2 ** 31, 1e300, Number.POSITIVE_INFINITY])(
    'counts a hint of %d ms as 60 s, jitter included, which nobody is held to',
    (hintMs) => {
      expect(retryDelayMs(7, hintMs, 0)).toBe(60_000);
      expect(retryDelayMs(7, hintMs, ALMOST_ONE)).toBeCloseTo(45_000);
      expect(retryFloorMs(hintMs)).toBe(0);
    },
  );

  it.each([-1, Number.NaN, Number.NEGATIVE_INFINITY])('ignores a hint of %d ms', (hintMs) => {
    expect([retryDelayMs(0, hintMs, 0.5), retryFloorMs(hintMs)]).toEqual([500, 0]);
  });

  it('is 2 to 5 s after a return to the page, and below a second when the network is back', () => {
    expect([hurryDelayMs('look', 0), hurryDelayMs('look', ALMOST_ONE)]).toEqual([2_000, expect.closeTo(5_000)]);
    expect([hurryDelayMs('online', 0), hurryDelayMs('online', ALMOST_ONE)]).toEqual([0, expect.closeTo(1_000)]);
  });
});
