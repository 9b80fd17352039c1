/**
 * A warning that callers cause, and could cause as often as they like: it is logged once a minute.
 */

import type { Logger } from '@qrcast/runtime/log';
import { createThrottle } from '@qrcast/runtime/process/throttle';

export interface ThrottledWarningDeps {
  readonly log: Logger;
  /** Ms; need not be the time of day. */
  readonly now: () => number;
}

/**
 * Logs `message` at most once a minute, with the facts of that call. `leftOut` is the number of
 * calls that were not logged since the last one that was.
 */
export function createThrottledWarning(
  { log, now }: ThrottledWarningDeps,
  message: string,
): (facts?: Readonly<Record<string, unknown>>) => void {
  const throttle = createThrottle(now);
  return (facts) => {
    const leftOut = throttle(message);
    if (leftOut !== null) log.warn({ ...facts, leftOut }, message);
  };
}
