/**
 * Every timer of the client starts here. `setTimeout` treats a delay that is negative, NaN or above
 * 2^31 - 1 as 1 ms, so a wait would become a flood of requests. Node also prints a warning for
 * each.
 */

/** About 24.8 days, the longest delay that every engine supports. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * @param ms NaN and values below 0 count as 0. Above 24.8 days `callback` runs early, so the caller
 *   must check the time again
 */
export function startTimer(callback: () => void, ms: number): ReturnType<typeof setTimeout> {
  return setTimeout(callback, ms > 0 ? Math.min(ms, MAX_DELAY_MS) : 0);
}

/** Resolves after `ms`, or as soon as `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = startTimer(done, ms);
    signal.addEventListener('abort', done);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
