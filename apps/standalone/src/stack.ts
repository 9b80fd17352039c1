/**
 * Starts everything in one process: a worker, a gateway and, if no real provider is named, the
 * simulated one.
 */

import type { HttpProxy, ProxyRoute } from '@qrcast/core/http-proxy';
import type { Policy } from '@qrcast/core/schedule';
import type { AddressLimits, TenantLimits } from '@qrcast/core/tenant-limits';
import { PAGE_FOLDER } from '@qrcast/gateway/api/page-folder';
import { type Gateway, startGateway } from '@qrcast/gateway/gateway';
import type { AuditLimits } from '@qrcast/runtime/audit/audit-log';
import type { RingKey } from '@qrcast/runtime/keyring/keyring';
import type { Logger } from '@qrcast/runtime/log';
import type { Meters } from '@qrcast/runtime/metrics/meters';
import type { Releasers } from '@qrcast/runtime/releasers';
import type { Instance } from '@qrcast/simulator/instance';
import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { startWorker } from '@qrcast/worker/worker';

export interface StackOptions {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly secretKeys: readonly RingKey[];
  readonly policy: Policy;
  readonly auditLimits?: AuditLimits;
  readonly unwatchedGraceMs: number;
  readonly upstreamHosts: readonly string[];
  readonly callbackHosts?: readonly string[];
  readonly proxyRoute?: ProxyRoute | null;
  readonly callbackProxy?: HttpProxy | undefined;
  readonly adminKey: string | undefined;
  readonly hasConsole?: boolean;
  readonly maxConnections: number;
  readonly connectsPerSecond?: number | undefined;
  readonly tenantLimits?: TenantLimits;
  readonly addressLimits?: AddressLimits;
  readonly trustedProxies?: readonly string[];
  readonly concurrency: number;
  readonly hostConcurrency: number;
  readonly port: number;
  readonly host: string | undefined;
  readonly publicUrl: string | undefined;
  readonly hstsSeconds: number | undefined;
  readonly drainMs: number;
  readonly apiKey: string;
  readonly webhookToken: string;
  readonly meters?: Meters;
  readonly log: Logger;
}

export const DEFAULT_TENANT = 'default';

/**
 * Starts a worker and a gateway, and makes the tenant `default` with the given keys. Pushes what it
 * opens to `releasers`.
 */
export async function startStack(options: StackOptions, releasers: Releasers): Promise<Gateway> {
  const { log, drainMs } = options;
  const worker = await startWorker({ ...options, log: log.child({ role: 'worker' }) });
  releasers.push('worker', () => worker.close(drainMs));
  const gateway = await startGateway({ ...options, pageFolder: PAGE_FOLDER, log: log.child({ role: 'gateway' }) });
  releasers.push('gateway', () => gateway.close(drainMs));
  await ensureDefaultTenant(gateway, options);
  return gateway;
}

async function ensureDefaultTenant(gateway: Gateway, { apiKey, webhookToken }: StackOptions): Promise<void> {
  if ((await gateway.tenants.findByKey(apiKey)) !== null) return;
  const exists = (await gateway.tenants.list()).some(({ id }) => id === DEFAULT_TENANT);
  // The tenant has earlier keys: the folder's keys were moved away, or another folder uses the same
  // Redis.
  if (exists) await gateway.tenants.adopt(DEFAULT_TENANT, { apiKey, webhookToken });
  else await gateway.tenants.create({ id: DEFAULT_TENANT, name: 'Made by start' }, { apiKey, webhookToken });
}

/** Starts a simulated provider with one instance. The caller sets its webhook. */
export async function startSimulator(releasers: Releasers): Promise<{ simulator: Simulator; instance: Instance }> {
  const simulator = await openSimulator();
  releasers.push('simulator', () => simulator.close());
  return { simulator, instance: simulator.createInstance() };
}
