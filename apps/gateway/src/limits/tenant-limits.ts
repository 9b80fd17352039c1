/** What a tenant may use: its own limits, or the operator's defaults; and the words of a refusal. */

import { RefusedError } from '@qrcast/core/errors';
import { type RateLimit, TENANT_LIMITS, type TenantLimit, type TenantLimits } from '@qrcast/core/tenant-limits';
import type { Tenant } from '../tenants/tenants.ts';

export type LimitOf = (tenant: Pick<Tenant, 'limits'>, name: TenantLimit) => number;

export function createLimitOf(defaults: TenantLimits): LimitOf {
  return ({ limits }, name) => limits[name] ?? defaults[name];
}

/** A place is free again when something ends, and nobody knows when that is. */
const PLACE_RETRY_AFTER_MS = 5_000;

export function noPlaceLeft(limit: Exclude<TenantLimit, RateLimit>, value: number): RefusedError {
  const detail = `limit ${limit}: ${value} for this tenant (${TENANT_LIMITS[limit].words.toLowerCase()}); end some, or ask the operator for more`;
  return new RefusedError('tenant_limit_reached', detail, { limit, retryAfterMs: PLACE_RETRY_AFTER_MS });
}

/** Of what a tenant may do, the tickets of one session may do a part. */
export function tooFastForOne(limit: RateLimit, value: number, retryAfterMs: number): RefusedError {
  const detail = `limit ${limit}: ${value} of them for the tickets of one session (${TENANT_LIMITS[limit].words}); wait`;
  return new RefusedError('too_many_requests', detail, { limit, retryAfterMs });
}

export function tooFast(limit: RateLimit, value: number, retryAfterMs: number): RefusedError {
  const detail = `limit ${limit}: ${value} for this tenant (${TENANT_LIMITS[limit].words}); wait, or ask the operator for more`;
  return new RefusedError('too_many_requests', detail, { limit, retryAfterMs });
}
