/** Buckets of tokens in memory, one for each key, filled up evenly within a minute and kept as the time when they are full again (GCRA). */

export interface TokenBuckets {
  /** Ms until there is a token; 0 if there is one. */
  waitMs(key: string, perMinute: number): number;
  /** Takes one; or ms until there is one. */
  take(key: string, perMinute: number): number;
}

/** Keys remembered; the one that was quiet for longest is forgotten. */
const MAX_KEYS = 10_000;
const MINUTE_MS = 60_000;

/** `now`: ms; need not be the time of day. */
export function createTokenBuckets(now: () => number): TokenBuckets {
  const fullAt = new Map<string, number>();

  const waitMs = (key: string, perMinute: number): number =>
    Math.max(0, Math.ceil((fullAt.get(key) ?? 0) + MINUTE_MS / perMinute - now() - MINUTE_MS));

  return {
    waitMs,
    take(key, perMinute) {
      const wait = waitMs(key, perMinute);
      const at = Math.max(fullAt.get(key) ?? 0, now()) + (wait === 0 ? MINUTE_MS / perMinute : 0);
      fullAt.delete(key);
      fullAt.set(key, at); // behind all others
      const [oldest] = fullAt.keys();
      if (fullAt.size > MAX_KEYS && oldest !== undefined) fullAt.delete(oldest);
      return wait;
    },
  };
}
