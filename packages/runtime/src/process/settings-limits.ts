/** The settings of limits: of a tenant, and of a network address. */

import { ADDRESS_LIMITS, type AddressLimit, MAX_LIMIT, TENANT_LIMITS, type TenantLimit } from '@qrcast/core/tenant-limits';
import { parseAddressRange } from './address-range.ts';
import { GATEWAYS, listSchema, type Setting, whole } from './setting.ts';

const tenantLimit = (name: TenantLimit) => ({
  ...whole(0, MAX_LIMIT, TENANT_LIMITS[name].words, TENANT_LIMITS[name].default),
  form: `Whole number from 0 to ${MAX_LIMIT}`,
  readBy: GATEWAYS,
});
const addressLimit = (name: AddressLimit) => ({
  ...whole(1, MAX_LIMIT, ADDRESS_LIMITS[name].words, ADDRESS_LIMITS[name].default),
  form: `Whole number from 1 to ${MAX_LIMIT}`,
  readBy: GATEWAYS,
});

const addressRanges = listSchema((entry) => parseAddressRange(entry) !== null, 'an address or a range like 10.0.0.0/8 or fd00::/8');

export const TENANT_LIMIT_SETTINGS = {
  QRCAST_TENANT_SESSIONS: {
    ...tenantLimit('sessions'),
    what: 'How many live sessions a tenant may have.',
    change: 'Raise it for tenants with many logins at once.',
  },
  QRCAST_TENANT_VIEWERS: {
    ...tenantLimit('viewers'),
    what: 'How many streams and held requests a tenant may have open.',
    change: 'Raise it with QRCAST_TENANT_SESSIONS.',
  },
  QRCAST_TENANT_VIEWERS_PER_SESSION: {
    ...tenantLimit('viewersPerSession'),
    what: 'How many streams and held requests one session may have open.',
    change: "Lower it where nobody shares a login's screen.",
  },
  QRCAST_TENANT_REQUESTS_PER_MINUTE: {
    ...tenantLimit('requestsPerMinute'),
    what: 'How many HTTP calls by API key or ticket a tenant may make in a minute.',
    change: 'Raise it for viewers that long-poll: each calls a dozen times a minute.',
  },
  QRCAST_TENANT_HANDSHAKES_PER_MINUTE: {
    ...tenantLimit('handshakesPerMinute'),
    what: 'How many subscriptions over WebSocket and Socket.IO a tenant may make in a minute.',
    change: 'Keep it above QRCAST_TENANT_VIEWERS: when a gateway stops, all its viewers reconnect at once.',
  },
  QRCAST_TENANT_WEBHOOK_CALLS_PER_MINUTE: {
    ...tenantLimit('webhookCallsPerMinute'),
    what:
      'How many notifications of the provider are accepted for a tenant in a minute, counted once for every 64 KiB or part of it. ' +
      'The provider repeats a refused one a minute later.',
    change: 'Raise it for tenants whose instances have much traffic.',
  },
} as const satisfies Record<string, Setting>;

export const ADDRESS_LIMIT_SETTINGS = {
  QRCAST_TRUSTED_PROXIES: {
    schema: addressRanges.default([]),
    form: 'Addresses or ranges separated by commas, like 10.0.0.0/8,fd00::/8',
    default: null,
    example: '10.0.0.0/8',
    readBy: GATEWAYS,
    what: 'The proxies before the gateways. They add the address that called them to X-Forwarded-For. Without this setting the header is ignored.',
    change:
      "Set it behind any proxy. Otherwise all clients have the proxy's address and share its limits. " +
      'Name the proxy by IPv6 as well if it may connect that way.',
  },
  QRCAST_HANDSHAKES_PER_ADDRESS_PER_MINUTE: {
    ...addressLimit('handshakesPerAddressPerMinute'),
    what: 'How many connections for WebSocket and Socket.IO an address (IPv6: a /64) may open in a minute, on each gateway.',
    change: 'Raise it where many people share an address.',
  },
  QRCAST_FAILURES_PER_ADDRESS_PER_MINUTE: {
    ...addressLimit('failuresPerAddressPerMinute'),
    what: 'How many calls without a valid credential an address (IPv6: a /64) may make in a minute, on each gateway.',
    change: 'Raise it where many people share an address.',
  },
} as const satisfies Record<string, Setting>;
