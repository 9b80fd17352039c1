/**
 * Bounds the part of a tenant's calls that the tickets of one session may use, on this gateway.
 * Whoever holds a ticket watches one session, and must not be able to use up the calls of all other
 * viewers of the tenant. It is counted by session and not by ticket, because a client that reloads
 * a page again and again is given one ticket after the other.
 */

import type { RateLimit } from '@qrcast/core/tenant-limits';
import type { Tenant } from '../tenants/tenants.ts';
import { type LimitOf, sessionRateExceeded } from './tenant-limits.ts';
import { createTokenBuckets } from './token-buckets.ts';

export interface SessionRates {
  /** Counts a call. @throws {RefusedError} `too_many_requests`. */
  take(sessionId: string, tenant: Pick<Tenant, 'limits'>, limit: RateLimit): void;
}

/** A session may use this part of its tenant's rate. */
const PART_OF_TENANT = 10;
/** But no less than this: with fewer calls a minute not even one viewer could long-poll. */
const LEAST_PER_MINUTE = 120;

/** `now`: ms; need not be the time of day. */
export function createSessionRates({ limitOf, now }: { readonly limitOf: LimitOf; readonly now: () => number }): SessionRates {
  const buckets = createTokenBuckets(now);
  return {
    take(sessionId, tenant, limit) {
      const perMinute = Math.max(LEAST_PER_MINUTE, Math.floor(limitOf(tenant, limit) / PART_OF_TENANT));
      const waitMs = buckets.take(`${limit}|${sessionId}`, perMinute);
      if (waitMs > 0) throw sessionRateExceeded(limit, perMinute, waitMs);
    },
  };
}
