/**
 * What one tenant may use, over all gateways. The operator sets the defaults, and can set other
 * values for a tenant.
 */

import { z } from 'zod';

export const TENANT_LIMITS = {
  /** Quotas: how many there may be now. */
  sessions: { default: 10_000, words: 'Live sessions at once' },
  viewers: { default: 20_000, words: 'Streams and held requests at once, hidden ones as well' },
  /** Many more than the screens of a person and their helpers. */
  viewersPerSession: { default: 100, words: 'Streams and held requests of one session at once' },
  /** Rates: a bucket of this size, which fills up evenly within a minute. */
  requestsPerMinute: { default: 30_000, words: 'HTTP calls a minute, by key or ticket' },
  /**
   * Three times the viewers, because all viewers of a tenant reconnect at once when a gateway
   * stops.
   */
  handshakesPerMinute: { default: 60_000, words: 'Subscriptions a minute on WebSocket and Socket.IO, the first of a connection included' },
  webhookCallsPerMinute: { default: 6_000, words: 'Notifications of the provider a minute, counted once for every 64 KiB or part of it' },
} as const;

export type TenantLimit = keyof typeof TENANT_LIMITS;
export type TenantLimits = Readonly<Record<TenantLimit, number>>;
export type RateLimit = Extract<TenantLimit, `${string}PerMinute`>;

export const TENANT_LIMIT_NAMES = Object.keys(TENANT_LIMITS) as [TenantLimit, ...TenantLimit[]]; // never empty

export const DEFAULT_TENANT_LIMITS = Object.fromEntries(
  Object.entries(TENANT_LIMITS).map(([name, limit]) => [name, limit.default]),
) as TenantLimits; // the same names

/** The largest value a limit can have. */
export const MAX_LIMIT = 1_000_000;

/** API keys of one tenant that are valid at once. Two are enough to replace one by another. */
export const MAX_API_KEYS = 2;

/** Limits of a network address, for callers that have shown no valid credential. */
export const ADDRESS_LIMITS = {
  handshakesPerAddressPerMinute: { default: 1_200, words: 'Connections for WebSocket and Socket.IO a minute from one address' },
  failuresPerAddressPerMinute: { default: 300, words: 'HTTP calls a minute without a valid credential from one address' },
} as const;

export type AddressLimit = keyof typeof ADDRESS_LIMITS;
export type AddressLimits = Readonly<Record<AddressLimit, number>>;

export const DEFAULT_ADDRESS_LIMITS = Object.fromEntries(
  Object.entries(ADDRESS_LIMITS).map(([name, limit]) => [name, limit.default]),
) as AddressLimits; // the same names

export type LimitName = TenantLimit | AddressLimit;

export const limitNameSchema = z
  .enum([...TENANT_LIMIT_NAMES, ...(Object.keys(ADDRESS_LIMITS) as AddressLimit[])])
  .meta({ id: 'LimitName', description: 'The name of a limit, for programs' });
