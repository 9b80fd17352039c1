/**
 * Every timer of the client starts here. `setTimeout` takes a delay that is negative, NaN or above 2^31 - 1 for 1 ms: a wait would become a
 * flood. Node prints a warning for each of them as well.
 */

/** About 24.8 days, the longest delay that every engine takes. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** @param ms NaN and less than 0 count as 0; whoever waits for longer than 24.8 days is called early, and has to look at the time again */
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
