/** A line of the log that callers bring about, and could as often as they like: it is written once a minute. */

import type { Logger } from '@qrcast/runtime/log';
import { createThrottle } from '@qrcast/runtime/process/throttle';

export interface ThrottledWarningDeps {
  readonly log: Logger;
  /** Ms; need not be the time of day. */
  readonly now: () => number;
}

/** Writes `message` at most once a minute, with how often it was left out since the last time, and the facts of this time. */
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
