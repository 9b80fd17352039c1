/**
 * Limits the requests of one watch to 2 in any second, whatever the server says and whatever the
 * page does. Connections, the rounds of a long-poll and the calls of a page share one pace, so that
 * a fault in one of them does not become a flood.
 */

import { pause } from './timer.ts';
import type { RequestPace } from './types.ts';

const REQUESTS = 2;
/**
 * Longer than a second, because requests that leave a second apart may arrive closer together: the
 * first may have to open a connection.
 */
const WINDOW_MS = 1_250;

export function createRequestPace(now: () => number = () => performance.now()): RequestPace {
  /** When the last requests began, oldest first. */
  let begun: readonly number[] = [];

  return {
    waitMs(requests = 1) {
      const decisive = begun[begun.length - 1 - REQUESTS + requests];
      return decisive === undefined ? 0 : Math.max(0, decisive + WINDOW_MS - now());
    },
    take(requests = 1) {
      begun = [...begun, ...Array.from({ length: requests }, now)].slice(-REQUESTS);
    },
  };
}

/**
 * Waits until one request may begin, and counts it as begun. Counts nothing if `signal` is aborted
 * before.
 */
export async function waitForRequest(pace: RequestPace, signal: AbortSignal): Promise<void> {
  for (let ms = pace.waitMs(); ms > 0 && !signal.aborted; ms = pace.waitMs()) await pause(ms, signal);
  if (!signal.aborted) pace.take();
}
