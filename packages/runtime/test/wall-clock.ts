/**
 * For tests: the clock of this machine, as `Date.now` shows it, set forward or back. The monotonic
 * clock and all timers go on as they are.
 */

import { afterEach, type MockInstance, vi } from 'vitest';

export interface WallClock {
  /** Sets the clock by so many ms, on top of earlier calls. */
  shift(byMs: number): void;
}

/** Call it at the top of a test file. The clock is right again after each test. */
export function prepareWallClock(): WallClock {
  let now: MockInstance<() => number> | null = null;
  let shiftedBy = 0;
  afterEach(() => {
    now?.mockRestore();
    now = null;
    shiftedBy = 0;
  });
  return {
    shift(byMs) {
      shiftedBy += byMs;
      const real = Date.now.bind(Date);
      now ??= vi.spyOn(Date, 'now').mockImplementation(() => real() + shiftedBy);
    },
  };
}

/** Unix ms of this machine, whatever `Date.now` says: a clock that no test sets. */
export const steadyNow = (): number => performance.timeOrigin + performance.now();
