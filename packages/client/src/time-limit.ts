/**
 * How long a request may take, as a signal for `fetch`. `AbortSignal.any` and `AbortSignal.timeout` would say the same in one line, but the
 * oldest supported browsers have neither (see the README).
 */

import { startTimer } from './timer.ts';

export interface TimeLimit {
  /** Aborted when the time is over, when the outer signal is, and by `end`. */
  readonly signal: AbortSignal;
  /** The time begins anew. */
  restart(ms: number): void;
  isTimeOver(): boolean;
  /** To be called in any case. Gives up what is still under way. */
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
