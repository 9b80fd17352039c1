/** When a callback or a relayed notification is tried again. Pure: the caller passes the jitter. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * The delay after the first failed try, the second, and so on; the last one repeats. They are close
 * to what the Standard Webhooks specification proposes.
 */
export const CALLBACK_DELAYS_MS: readonly number[] = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  3 * HOUR_MS,
];
/** Shorter, because all later notifications of an instance wait for its first one. */
export const RELAY_DELAYS_MS: readonly number[] = [SECOND_MS, 5 * SECOND_MS, 30 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS];

export const GIVE_UP_AFTER_MS = 24 * HOUR_MS;
/** A receiver's Retry-After is a floor under the delay, up to this. */
export const MAX_RETRY_AFTER_MS = 3 * HOUR_MS;
/** Each delay grows by up to this share, so that deliveries which failed together spread. */
const JITTER_SHARE = 0.2;

/**
 * Ms from the end of the failed try to the next. `failures` counts this one; `jitter` in [0, 1).
 */
export function callbackDelay(delaysMs: readonly number[], failures: number, jitter: number, retryAfterMs = 0): number {
  const delay = delaysMs[Math.min(failures, delaysMs.length) - 1] ?? 0;
  return Math.round(Math.max(delay, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)) * (1 + JITTER_SHARE * jitter));
}
