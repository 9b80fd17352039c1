import { describe, expect, it } from 'vitest';
import { BACKOFF, retryDelayMs } from './retry.ts';

describe('retry delay', () => {
  it('spreads over the whole of a doubling, capped time', () => {
    expect(BACKOFF).toEqual({ baseMs: 1_000, capMs: 15_000 });
    expect(retryDelayMs(0, 0, 0)).toBe(0);
    expect(retryDelayMs(0, 0, 0.5)).toBe(500);
    expect(retryDelayMs(2, 0, 0.5)).toBe(2_000);
    expect(retryDelayMs(60, 0, 0.5)).toBe(7_500);
    expect(retryDelayMs(5_000, 0, 0.5)).toBe(7_500);
  });

  it('never comes before the hint of the server', () => {
    expect(retryDelayMs(0, 4_000, 0)).toBe(4_000);
    expect(retryDelayMs(0, 4_000, 0.5)).toBe(4_500);
  });
});
