/**
 * The rule of a bucket of tokens that fills evenly (GCRA). A bucket is one number: the time when
 * it is full again, in ms. 0 is a full bucket. `rate-take-1.lua` is the same rule in Redis.
 */

export interface TokenRate {
  /** Tokens in a full bucket. */
  readonly burst: number;
  /** Time in which an empty bucket becomes full. */
  readonly fillMs: number;
}

/** Above what the sum of a burst is off by, at which the last token would be refused. */
const ROUNDING_MS = 1e-3;

/** Ms until the bucket holds a token; 0 if it holds one. `now`: ms, need not be the time of day. */
export function waitForTokenMs(fullAt: number, { burst, fillMs }: TokenRate, now: number): number {
  return Math.max(0, Math.ceil(fullAt + fillMs / burst - now - fillMs - ROUNDING_MS));
}

/** The bucket without one token. An empty bucket would get a negative balance: look at `waitForTokenMs` before. */
export function spendToken(fullAt: number, { burst, fillMs }: TokenRate, now: number): number {
  return Math.max(fullAt, now) + fillMs / burst;
}
