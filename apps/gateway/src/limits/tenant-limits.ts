/**
 * The limits of a tenant: its own, or the operator's defaults. And the errors that refuse by them.
 */

import { RefusedError } from '@qrcast/core/errors';
import { type RateLimit, TENANT_LIMITS, type TenantLimit, type TenantLimits } from '@qrcast/core/tenant-limits';
import type { Tenant } from '../tenants/tenants.ts';

export type LimitOf = (tenant: Pick<Tenant, 'limits'>, name: TenantLimit) => number;

export function createLimitOf(defaults: TenantLimits): LimitOf {
  return ({ limits }, name) => limits[name] ?? defaults[name];
}

/** A guess: the quota has room again when something ends, and nobody knows when that is. */
const QUOTA_RETRY_AFTER_MS = 5_000;

export function quotaExceeded(limit: Exclude<TenantLimit, RateLimit>, value: number): RefusedError {
  const detail = `limit ${limit}: ${value} for this tenant (${TENANT_LIMITS[limit].words.toLowerCase()}); end some, or ask the operator for more`;
  return new RefusedError('tenant_limit_reached', detail, { limit, retryAfterMs: QUOTA_RETRY_AFTER_MS });
}

export function rateExceeded(limit: RateLimit, value: number, retryAfterMs: number): RefusedError {
  const detail = `limit ${limit}: ${value} for this tenant (${TENANT_LIMITS[limit].words}); wait, or ask the operator for more`;
  return new RefusedError('too_many_requests', detail, { limit, retryAfterMs });
}

/** `value`: the part of the tenant's rate that the tickets of one session may use. */
export function sessionRateExceeded(limit: RateLimit, value: number, retryAfterMs: number): RefusedError {
  const detail = `limit ${limit}: ${value} of them for the tickets of one session (${TENANT_LIMITS[limit].words}); wait`;
  return new RefusedError('too_many_requests', detail, { limit, retryAfterMs });
}
