/** From settings to the options of the roles. */

import type { ProxyRoute } from '@qrcast/core/http-proxy';
import type { Policy } from '@qrcast/core/schedule';
import type { AddressLimits, TenantLimits } from '@qrcast/core/tenant-limits';
import type { AuditLimits } from '../audit/audit-log.ts';
import { redisAddress } from '../redis/redis-address.ts';
import { proxyRoute } from './proxy-settings.ts';
import { DAY_MS } from './setting.ts';
import type { GATEWAY_SETTINGS, ROLE_SETTINGS, Settings } from './settings-table.ts';

type RoleSettings = Settings<(typeof ROLE_SETTINGS)[number]>;
type GatewaySettings = Settings<(typeof GATEWAY_SETTINGS)[number]>;

/** REDIS_URL with the files that TLS needs. */
export function redisUrlOf(url: string, files: Settings<'QRCAST_REDIS_CA' | 'QRCAST_REDIS_CERT' | 'QRCAST_REDIS_KEY'>): string {
  return redisAddress(url, { ca: files.QRCAST_REDIS_CA, cert: files.QRCAST_REDIS_CERT, key: files.QRCAST_REDIS_KEY });
}

/** Options that the gateway and the worker share. */
export function roleOptions(settings: RoleSettings): {
  readonly namespace: string;
  readonly policy: Policy;
  readonly auditLimits: AuditLimits;
  readonly callbackHosts: readonly string[];
  readonly proxyRoute: ProxyRoute | null;
} {
  return {
    namespace: settings.QRCAST_NAMESPACE,
    auditLimits: { entries: settings.QRCAST_AUDIT_ENTRIES, keepMs: settings.QRCAST_AUDIT_DAYS * DAY_MS },
    callbackHosts: settings.QRCAST_CALLBACK_HOSTS,
    proxyRoute: proxyRoute(settings.HTTPS_PROXY, settings.NO_PROXY),
    policy: {
      intervalMs: settings.QRCAST_POLL_INTERVAL_MS,
      codeTtlMs: settings.QRCAST_CODE_TTL_MS,
      attemptMs: settings.QRCAST_ATTEMPT_MS,
    },
  };
}

/** Where a gateway is reached, and for how long browsers must use https there. */
export function addressOptions(settings: GatewaySettings): {
  readonly publicUrl: string | undefined;
  readonly hstsSeconds: number | undefined;
} {
  return { publicUrl: settings.QRCAST_PUBLIC_URL, hstsSeconds: settings.QRCAST_HSTS_SECONDS };
}

/** The limits that a gateway enforces, and the proxies whose X-Forwarded-For it trusts. */
export function limitOptions(settings: GatewaySettings): {
  readonly tenantLimits: TenantLimits;
  readonly addressLimits: AddressLimits;
  readonly trustedProxies: readonly string[];
} {
  return {
    tenantLimits: {
      sessions: settings.QRCAST_TENANT_SESSIONS,
      viewers: settings.QRCAST_TENANT_VIEWERS,
      viewersPerSession: settings.QRCAST_TENANT_VIEWERS_PER_SESSION,
      requestsPerMinute: settings.QRCAST_TENANT_REQUESTS_PER_MINUTE,
      handshakesPerMinute: settings.QRCAST_TENANT_HANDSHAKES_PER_MINUTE,
      webhookCallsPerMinute: settings.QRCAST_TENANT_WEBHOOK_CALLS_PER_MINUTE,
    },
    addressLimits: {
      handshakesPerAddressPerMinute: settings.QRCAST_HANDSHAKES_PER_ADDRESS_PER_MINUTE,
      failuresPerAddressPerMinute: settings.QRCAST_FAILURES_PER_ADDRESS_PER_MINUTE,
    },
    trustedProxies: settings.QRCAST_TRUSTED_PROXIES,
  };
}
