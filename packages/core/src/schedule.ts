/**
 * When the provider is asked again. Pure: the caller passes the time and the jitter.
 *
 * Rules, with their reasons:
 * - An instance gets one request per interval, never closer than `MIN_SPACING_MS`: the provider
 *   allows 1 request per second and method.
 * - Due times lie on the session's own grid (request start + interval). So a slow answer does not
 *   stretch the interval.
 * - "Not yet" answers (starting, not ready, refused by the messenger) keep the interval, because a
 *   person waits for the code.
 * - Faults of the provider back off exponentially, with full jitter above one interval.
 * - The provider's Retry-After is a floor under every delay.
 */

import type { NoticeCode } from './outcome.ts';

/**
 * The provider allows 1 request per second, method and instance. The margin is there because it is
 * not known whether that second slides.
 */
export const MIN_SPACING_MS = 1_100;
/** No backoff waits longer, because an attempt lasts only minutes. */
export const MAX_BACKOFF_MS = 30_000;
/**
 * Faults in a row that end an attempt `provider_down`. With the backoff above: about a minute and a
 * half.
 */
export const FAILURES_UNTIL_DOWN = 8;
/**
 * Refusals in a row that end a session. One is not enough: stray 401s and 404s on healthy instances
 * are on record.
 */
export const REFUSALS_UNTIL_END = 2;
/**
 * If credentials have worked in this session, their refusals must last this long to end it. Healthy
 * instances have answered 401, 403 and 404 for seconds (green-api/issues #306, #926, #1116).
 */
export const REFUSED_UNTIL_END_MS = 60_000;
/**
 * While nobody looks, the state method is asked once in this many intervals. Without a notification
 * a login is then found within 15 s, for a third of the requests. A page that somebody left costs
 * the provider at most 12 requests until its attempt is over.
 */
export const UNWATCHED_INTERVALS = 3;
/** How often a person may leave the password step of one session for a new code. */
export const MAX_START_OVERS = 3;
/**
 * How often the logout of a wrong account is asked for. The session must end even if the provider
 * takes none.
 */
export const LOGOUTS_ON_MISMATCH = 3;

export interface Policy {
  /** Between two polls of one instance. At least `MIN_SPACING_MS`. */
  readonly intervalMs: number;
  /** How long a code may be shown after the provider last confirmed it. */
  readonly codeTtlMs: number;
  /** An attempt lasts at most this long, because long polling has been seen to harm an instance. */
  readonly attemptMs: number;
}

export const DEFAULT_POLICY: Policy = { intervalMs: 5_000, codeTtlMs: 20_000, attemptMs: 180_000 };

/** Notices that count as the provider being down. */
const FAULTS: ReadonlySet<string> = new Set<NoticeCode>(['provider_timeout', 'provider_unreachable', 'provider_error']);

export function isFault(code: string): boolean {
  return FAULTS.has(code);
}

export interface Retry {
  readonly code: NoticeCode;
  /** Failures in a row, this one included. */
  readonly failures: number;
  readonly retryAfterMs?: number | undefined;
  /** In [0, 1). */
  readonly jitter: number;
}

/** How long after an answer that brought nothing the provider is asked again, ms. */
export function retryDelay(policy: Policy, retry: Retry): number {
  const floor = Math.max(policy.intervalMs, retry.retryAfterMs ?? 0);
  if (!isFault(retry.code) && retry.code !== 'rate_limited') return floor;
  const ceiling = Math.min(MAX_BACKOFF_MS, policy.intervalMs * 2 ** (retry.failures - 1));
  return Math.max(floor, Math.round(floor + (ceiling - policy.intervalMs) * retry.jitter));
}

/**
 * When a request may follow one that started at `startedAt`: as soon as the spacing allows. It is
 * for requests that only confirm, prepare or verify something, because nobody should wait an
 * interval for those.
 */
export function followUpAt(startedAt: number, now: number): number {
  return Math.max(startedAt + MIN_SPACING_MS, now);
}

/**
 * The next due time on the session's grid, after a request that started at `startedAt` and was
 * answered at `now`.
 */
export function nextSlotAt(policy: Policy, startedAt: number, now: number): number {
  return Math.max(startedAt + policy.intervalMs, followUpAt(startedAt, now));
}
