/** What a gateway is started with. `main.ts` reads it from the environment; tests and benchmarks give it directly. */

import type { ProxyRoute } from '@qrcast/core/http-proxy';
import type { Policy } from '@qrcast/core/schedule';
import type { AddressLimits, TenantLimits } from '@qrcast/core/tenant-limits';
import type { AuditLimits } from '@qrcast/runtime/audit/audit-log';
import type { RingKey } from '@qrcast/runtime/keyring/keyring';
import type { Logger } from '@qrcast/runtime/log';

export interface GatewayOptions {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly secretKeys: readonly RingKey[];
  readonly policy: Policy;
  readonly auditLimits?: AuditLimits | undefined;
  /** How long a session is polled after its last viewer left, ms. */
  readonly unwatchedGraceMs: number;
  readonly upstreamHosts: readonly string[];
  /** Where callbacks may be sent; public hosts if left out. */
  readonly callbackHosts?: readonly string[] | undefined;
  /** How the provider is asked; directly if left out. */
  readonly proxyRoute?: ProxyRoute | null | undefined;
  readonly adminKey: string | undefined;
  readonly maxConnections: number;
  /** Connections beside those, which have shown no ticket yet; `MAX_GUESTS` if left out. */
  readonly maxGuests?: number | undefined;
  /** Of tenants without limits of their own; `DEFAULT_TENANT_LIMITS` if left out. */
  readonly tenantLimits?: TenantLimits | undefined;
  /** Of those who have not said who they are; `DEFAULT_ADDRESS_LIMITS` if left out. */
  readonly addressLimits?: AddressLimits | undefined;
  /** Answers of subscriptions that one connection may leave unread; `MAX_UNREAD_ANSWERS` if left out. */
  readonly maxUnreadAnswers?: number | undefined;
  /** Addresses and ranges whose `X-Forwarded-For` is believed; none if left out. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** 0 takes a free port. */
  readonly port: number;
  /** All addresses of the machine, IPv6 and IPv4, if left out. */
  readonly host?: string | undefined;
  /** Where clients reach us, as `parsePublicUrl` makes it; unset: this machine's loopback address and the port. */
  readonly publicUrl: string | undefined;
  /** How long browsers are told to use https alone, seconds; a year if left out. Not told below a path, or where `publicUrl` is no https. */
  readonly hstsSeconds?: number | undefined;
  /** How long settings of an instance that were set are read back, ms; `READ_BACK_MS` if left out. */
  readonly settingsReadBackMs?: number | undefined;
  /** The built login page. */
  readonly pageFolder: string;
  readonly log: Logger;
}
