/**
 * Limits how long a request may take, with a signal for `fetch`. `AbortSignal.any` and
 * `AbortSignal.timeout` would do this in one line, but the oldest supported browsers have neither
 * (see the README).
 */

import { startTimer } from './timer.ts';

export interface TimeLimit {
  /** Aborted when the time is over, when the outer signal is aborted, and by `end`. */
  readonly signal: AbortSignal;
  /** Starts the time again from now. */
  restart(ms: number): void;
  isTimeOver(): boolean;
  /** Must always be called. Aborts a request that is still under way. */
  end(): void;
}

export function startTimeLimit(ms: number, outer: AbortSignal): TimeLimit {
  const controller = new AbortController();
  let isTimeOver = false;
  let timer = startTimer(expire, ms);
  const abort = (): void => controller.abort();
  if (outer.aborted) abort();
  outer.addEventListener('abort', abort);

  function expire(): void {
    isTimeOver = true;
    abort();
  }

  return {
    signal: controller.signal,
    restart(nextMs) {
      clearTimeout(timer);
      timer = startTimer(expire, nextMs);
    },
    isTimeOver: () => isTimeOver,
    end() {
      clearTimeout(timer);
      outer.removeEventListener('abort', abort);
      abort();
    },
  };
}
