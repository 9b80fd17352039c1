/** Token buckets in memory, one for each key. */

import { spendToken, type TokenRate, waitForTokenMs } from './token-bucket.ts';

export interface TokenBuckets {
  /** Ms until there is a token; 0 if there is one. */
  waitMs(key: string, perMinute: number): number;
  /** Takes a token and returns 0; or returns the ms until there is one, and takes none. */
  take(key: string, perMinute: number): number;
}

/** Keys remembered. The least recently used is forgotten. */
const MAX_KEYS = 10_000;

/** `now`: ms; need not be the time of day. */
export function createTokenBuckets(now: () => number): TokenBuckets {
  const fullAt = new Map<string, number>();

  const waitMs = (key: string, perMinute: number): number => waitForTokenMs(fullAt.get(key) ?? 0, rateOf(perMinute), now());

  return {
    waitMs,
    take(key, perMinute) {
      const wait = waitMs(key, perMinute);
      const before = fullAt.get(key) ?? 0;
      fullAt.delete(key);
      fullAt.set(key, wait === 0 ? spendToken(before, rateOf(perMinute), now()) : before); // behind all others
      const [oldest] = fullAt.keys();
      if (fullAt.size > MAX_KEYS && oldest !== undefined) fullAt.delete(oldest);
      return wait;
    },
  };
}

function rateOf(perMinute: number): TokenRate {
  return { burst: perMinute, fillMs: 60_000 };
}
