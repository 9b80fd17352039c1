/** When to come back to the gateway. Pure; `keep-connected.ts` owns the timer. */

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** The cap keeps a returned network from being noticed much later than a person reloads the page. */
export const BACKOFF: Backoff = { baseMs: 1_000, capMs: 15_000 };

/**
 * Full jitter above the server's hint, so that viewers dropped together do not come back together.
 *
 * @param failures tries in a row that led nowhere, from 0
 * @param floorMs the server's hint
 * @param random from [0, 1)
 */
export function retryDelayMs(failures: number, floorMs: number, random: number, { baseMs, capMs }: Backoff = BACKOFF): number {
  return floorMs + random * Math.min(capMs, baseMs * 2 ** failures);
}
