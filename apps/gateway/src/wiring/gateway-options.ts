/**
 * What a gateway is started with. `main.ts` reads it from the environment; tests and benchmarks
 * give it directly.
 */

import type { ProxyRoute } from '@qrcast/core/http-proxy';
import type { Policy } from '@qrcast/core/schedule';
import type { AddressLimits, TenantLimits } from '@qrcast/core/tenant-limits';
import type { AuditLimits } from '@qrcast/runtime/audit/audit-log';
import type { RingKey } from '@qrcast/runtime/keyring/keyring';
import type { Logger } from '@qrcast/runtime/log';
import type { Meters } from '@qrcast/runtime/metrics/meters';

export interface GatewayOptions {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly secretKeys: readonly RingKey[];
  readonly policy: Policy;
  readonly auditLimits?: AuditLimits | undefined;
  /** How long a session counts as watched after its last viewer left, ms. */
  readonly unwatchedGraceMs: number;
  readonly upstreamHosts: readonly string[];
  /** Where callbacks may be sent; public hosts if left out. */
  readonly callbackHosts?: readonly string[] | undefined;
  /** The proxy to the provider; none if left out. */
  readonly proxyRoute?: ProxyRoute | null | undefined;
  readonly adminKey: string | undefined;
  readonly maxConnections: number;
  /** Further connections that have shown no ticket yet; `MAX_ANONYMOUS` if left out. */
  readonly maxAnonymous?: number | undefined;
  /** How many streams and held requests may begin in a second; any number if left out. */
  readonly connectsPerSecond?: number | undefined;
  /** For tenants without limits of their own; `DEFAULT_TENANT_LIMITS` if left out. */
  readonly tenantLimits?: TenantLimits | undefined;
  /** For callers that have not identified themselves; `DEFAULT_ADDRESS_LIMITS` if left out. */
  readonly addressLimits?: AddressLimits | undefined;
  /**
   * Unread answers to subscriptions that one connection may have; `MAX_UNREAD_ANSWERS` if left out.
   */
  readonly maxUnreadAnswers?: number | undefined;
  /** Addresses and ranges whose `X-Forwarded-For` is believed; none if left out. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Where this gateway counts what it does. Its own if left out. */
  readonly meters?: Meters | undefined;
  /** 0 for any free port. */
  readonly port: number;
  /** All addresses of the machine, IPv6 and IPv4, if left out. */
  readonly host?: string | undefined;
  /**
   * Where clients reach us, as `parsePublicUrl` returns it. If unset, the loopback address of this
   * machine and the port.
   */
  readonly publicUrl: string | undefined;
  /**
   * How long browsers are told to use https only, seconds; a year if left out. Not told below a
   * path, or if `publicUrl` is not https.
   */
  readonly hstsSeconds?: number | undefined;
  /**
   * How long settings of an instance are read back after a change, ms; `READ_BACK_MS` if left out.
   */
  readonly settingsReadBackMs?: number | undefined;
  /** Whether the console is served; not if left out. */
  readonly hasConsole?: boolean | undefined;
  /** The folder of the built pages. */
  readonly pageFolder: string;
  readonly log: Logger;
}
