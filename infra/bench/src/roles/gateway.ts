/** The gateway as it is deployed. */

import { fileURLToPath } from 'node:url';
import { MAX_LIMIT, type TenantLimits } from '@qrcast/core/tenant-limits';
import { startGateway } from '@qrcast/gateway/gateway';
import type { Releasers } from '@qrcast/runtime/releasers';
import { serveRole } from '../role-process.ts';
import { nodeOptions, type System, secretKeys, TENANT } from '../system.ts';

const MAX_CONNECTIONS = 20_000;
const UNWATCHED_GRACE_MS = 15_000;
/** One tenant and one address represent all. */
const NO_LIMITS: TenantLimits = {
  sessions: MAX_LIMIT,
  viewers: MAX_LIMIT,
  viewersPerSession: MAX_LIMIT,
  requestsPerMinute: MAX_LIMIT,
  handshakesPerMinute: MAX_LIMIT,
  webhookCallsPerMinute: MAX_LIMIT,
};
/** Nobody opens the login page here, so it does not have to be built. */
const PAGE_FOLDER = fileURLToPath(new URL('../../page', import.meta.url));

export type GatewayMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  let stop: ((drainMs: number) => Promise<void>) | null = null;
  return {
    /**
     * @param port 0: a free one. A restarted gateway has its port again.
     * @param connectsPerSecond any number if left out
     */
    async start(system: System, port = 0, connectsPerSecond?: number): Promise<{ url: string }> {
      const gateway = await startGateway({
        ...nodeOptions(system, 'gateway'),
        secretKeys: secretKeys(system),
        unwatchedGraceMs: UNWATCHED_GRACE_MS,
        upstreamHosts: [],
        adminKey: undefined,
        maxConnections: MAX_CONNECTIONS,
        connectsPerSecond,
        tenantLimits: NO_LIMITS,
        addressLimits: { handshakesPerAddressPerMinute: MAX_LIMIT, failuresPerAddressPerMinute: MAX_LIMIT },
        port,
        host: '127.0.0.1',
        publicUrl: undefined,
        pageFolder: PAGE_FOLDER,
      });
      stop = (drainMs) => gateway.close(drainMs);
      releasers.push('gateway', () => gateway.close(0));
      // The gateway refuses tickets without a tenant. Another gateway may have made it.
      if ((await gateway.tenants.find(TENANT)) === null) await gateway.tenants.create({ id: TENANT, name: 'Benchmark' });
      return { url: `ws://127.0.0.1:${gateway.port}` };
    },
    /** As SIGTERM does. */
    async stop(drainMs: number): Promise<void> {
      await stop?.(drainMs);
    },
  };
}

serveRole(createMethods);
