/** The timer of the next try. At most one try is planned. Times of `performance.now()`, in ms. */

import { startTimer } from './timer.ts';

export interface NextTry {
  /** Replaces the planned try. `hurry` will not move the new one before `floorAt`. */
  plan(delayMs: number, floorAt: number): void;
  /**
   * Moves the planned try forward, to `delayMs` from now but not before its `floorAt`.
   * @returns the new delay in ms; null if nothing is planned, or it is planned for an earlier time
   */
  hurry(delayMs: number): number | null;
  /** Call when the try begins, or must not. */
  cancel(): void;
}

export function createNextTry(begin: () => void): NextTry {
  let planned: { readonly timer: ReturnType<typeof setTimeout>; readonly at: number; readonly floorAt: number } | null = null;

  function cancel(): void {
    if (planned !== null) clearTimeout(planned.timer);
    planned = null;
  }

  function plan(delayMs: number, floorAt: number): void {
    cancel();
    planned = { timer: startTimer(begin, delayMs), at: performance.now() + delayMs, floorAt };
  }

  return {
    plan,
    hurry(delayMs) {
      if (planned === null) return null;
      const { at, floorAt } = planned;
      const now = performance.now();
      const sooner = Math.max(now + delayMs, floorAt);
      if (sooner >= at) return null;
      plan(sooner - now, floorAt);
      return sooner - now;
    },
    cancel,
  };
}
