/**
 * What one tenant may use, over all gateways; the operator sets defaults, and may set others for a
 * tenant.
 */

import { z } from 'zod';

export const TENANT_LIMITS = {
  /** Counts at once. */
  sessions: { default: 10_000, words: 'Live sessions at once' },
  viewers: { default: 20_000, words: 'Streams and held requests at once, hidden ones as well' },
  /** Many more than a person and their helpers have screens. */
  viewersPerSession: { default: 100, words: 'The same, of one session' },
  /** Rates: so many at once, too, and filled up evenly again within a minute. */
  requestsPerMinute: { default: 30_000, words: 'HTTP calls a minute, by key or ticket' },
  /** All viewers of a tenant come back at once when a gateway goes: thrice the viewers. */
  handshakesPerMinute: { default: 60_000, words: 'Subscriptions a minute on WebSocket and Socket.IO, the first of a connection included' },
  webhookCallsPerMinute: { default: 6_000, words: "The provider's notifications a minute, one for each 64 KiB begun" },
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

/** API keys of one tenant that are valid at once: enough to change over. */
export const MAX_API_KEYS = 2;

/** Limits of a network address, for those who have not said who they are. */
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
  .meta({ id: 'LimitName', description: 'For programs: which limit refused the call' });
