/**
 * What the tickets of one session may use of its tenant's calls, on this gateway: who holds one watches one session, and must not be able to
 * spend what all others of the tenant live on. Not each ticket by itself: whoever loads a page again and again is given one after the other.
 */

import type { RateLimit } from '@qrcast/core/tenant-limits';
import type { Tenant } from '../tenants/tenants.ts';
import { type LimitOf, sessionRateExceeded } from './tenant-limits.ts';
import { createTokenBuckets } from './token-buckets.ts';

export interface SessionRates {
  /** Counts one call. @throws {RefusedError} `too_many_requests`. */
  take(sessionId: string, tenant: Pick<Tenant, 'limits'>, limit: RateLimit): void;
}

/** A tenth of the tenant's; but with few calls a minute not even one viewer could long-poll. */
const SHARE = 10;
const LEAST_PER_MINUTE = 120;

/** `now`: ms; need not be the time of day. */
export function createSessionRates({ limitOf, now }: { readonly limitOf: LimitOf; readonly now: () => number }): SessionRates {
  const buckets = createTokenBuckets(now);
  return {
    take(sessionId, tenant, limit) {
      const perMinute = Math.max(LEAST_PER_MINUTE, Math.floor(limitOf(tenant, limit) / SHARE));
      const waitMs = buckets.take(`${limit}|${sessionId}`, perMinute);
      if (waitMs > 0) throw sessionRateExceeded(limit, perMinute, waitMs);
    },
  };
}
