/** When to come back to the gateway. Pure; `keep-connected.ts` owns the timer. */

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** The cap keeps a returned network from being noticed much later than a person reloads the page. */
export const BACKOFF: Backoff = { baseMs: 1_000, capMs: 15_000 };

/**
 * A hint above this is not believed: a proxy that says "in a month" would leave a person in front of a dead page. The gateway itself never
 * asks a stream to wait for longer.
 */
export const MAX_HINT_MS = 60_000;

/** After a look at the page. */
const LOOK_MIN_MS = 2_000;
const LOOK_SPREAD_MS = 3_000;

/**
 * Full jitter above the server's hint, so that viewers dropped together do not come back together. A hint above `MAX_HINT_MS` counts as
 * that, with the jitter taken off instead of added: the whole wait is 45 to 60 s.
 *
 * @param failures tries in a row that led nowhere, from 0
 * @param hintMs the server's hint; what is no number above 0 is none
 * @param random from [0, 1)
 */
export function retryDelayMs(failures: number, hintMs: number, random: number, { baseMs, capMs }: Backoff = BACKOFF): number {
  if (hintMs > MAX_HINT_MS) return MAX_HINT_MS - random * capMs;
  return retryFloorMs(hintMs) + random * Math.min(capMs, baseMs * 2 ** failures);
}

/** The least wait, whatever happens meanwhile. A hint that is not believed sets none. */
export function retryFloorMs(hintMs: number): number {
  return hintMs > 0 && hintMs <= MAX_HINT_MS ? hintMs : 0;
}

/**
 * How soon a pending try may come after that.
 * - `look`: somebody looks at the page. People look again and again, and all together after an outage.
 * - `online`: the machine has a network again; this is the first try over it.
 */
export function hurryDelayMs(why: 'look' | 'online', random: number): number {
  return why === 'look' ? LOOK_MIN_MS + random * LOOK_SPREAD_MS : random * BACKOFF.baseMs;
}
