/**
 * How fast one watch may ask: at most 2 requests in any second, whatever it is told and whoever drives it. Connections, the rounds of a
 * long-poll and the calls of a page share it, so that no fault of one of them becomes a flood.
 */

import { pause } from './timer.ts';
import type { RequestPace } from './types.ts';

const REQUESTS = 2;
/** Above a second: requests that leave a second apart may arrive closer together, where the first has to open a connection. */
const WINDOW_MS = 1_250;

export function createRequestPace(now: () => number = () => performance.now()): RequestPace {
  /** When the last ones began, oldest first. */
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

/** Takes one request as soon as it may begin; none if `signal` is aborted before. */
export async function takeTurn(pace: RequestPace, signal: AbortSignal): Promise<void> {
  for (let ms = pace.waitMs(); ms > 0 && !signal.aborted; ms = pace.waitMs()) await pause(ms, signal);
  if (!signal.aborted) pace.take();
}
