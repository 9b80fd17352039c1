/** When to reconnect to the gateway. Pure; `keep-connected.ts` owns the timer. */

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * Without the cap, a person would reload the page long before the client noticed that the network
 * is back.
 */
export const BACKOFF: Backoff = { baseMs: 1_000, capMs: 15_000 };

/**
 * A longer hint is not believed. A proxy that says "in a month" would leave a person in front of a
 * dead page, and the gateway itself never asks a stream to wait longer than this.
 */
export const MAX_HINT_MS = 60_000;

/**
 * After a person looks at the page, a pending try begins within `LOOK_MIN_MS` to `LOOK_MIN_MS +
 * LOOK_SPREAD_MS`.
 */
const LOOK_MIN_MS = 2_000;
const LOOK_SPREAD_MS = 3_000;

/**
 * The wait before the next try, in ms. Full jitter is added to the server's hint, so that viewers
 * dropped together do not reconnect together. A hint above `MAX_HINT_MS` counts as `MAX_HINT_MS`,
 * and the jitter is subtracted instead: the whole wait is 45 to 60 s.
 *
 * @param failures failed tries in a row before this one, from 0
 * @param hintMs the server's hint. Anything but a number above 0 is no hint
 * @param random from [0, 1)
 */
export function retryDelayMs(failures: number, hintMs: number, random: number, { baseMs, capMs }: Backoff = BACKOFF): number {
  if (hintMs > MAX_HINT_MS) return MAX_HINT_MS - random * capMs;
  return retryFloorMs(hintMs) + random * Math.min(capMs, baseMs * 2 ** failures);
}

/**
 * How long to wait at least, in ms, whatever happens in the meantime. A hint that is not believed
 * sets no minimum.
 */
export function retryFloorMs(hintMs: number): number {
  return hintMs > 0 && hintMs <= MAX_HINT_MS ? hintMs : 0;
}

/**
 * How soon a pending try may begin after an event, in ms.
 * - `look`: a person looks at the page. People do so repeatedly, and many at once after an outage.
 * - `online`: the machine has a network again. This is the first try over it.
 */
export function hurryDelayMs(why: 'look' | 'online', random: number): number {
  return why === 'look' ? LOOK_MIN_MS + random * LOOK_SPREAD_MS : random * BACKOFF.baseMs;
}
