/** The gateway as it is deployed. */

import { startGateway } from '@qrcast/gateway/gateway';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import type { Releasers } from '@qrcast/runtime/releasers';
import { gatewayOptions } from '../gateway-options.ts';
import { serveRole } from '../role-process.ts';
import { type System, TENANT } from '../system.ts';
import { uncounted } from '../uncounted.ts';

export type GatewayMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  let stop: ((drainMs: number) => Promise<void>) | null = null;
  return {
    /**
     * @param port 0: a free one. A restarted gateway has its port again.
     * @param connectsPerSecond any number if left out
     * @param counts false: its metrics count nothing
     */
    async start(system: System, port = 0, connectsPerSecond?: number, counts = true): Promise<{ url: string }> {
      const meters = counts ? createMeters() : uncounted();
      const gateway = await startGateway({ ...gatewayOptions(system, []), port, connectsPerSecond, meters });
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
