/** The worker as it is deployed. It records how late its polls start. */

import type { Releasers } from '@qrcast/runtime/releasers';
import { startWorker } from '@qrcast/worker/worker';
import { type Spread, spreadOf } from '../measure.ts';
import { serveRole } from '../role-process.ts';
import { nodeOptions, type System, secretKeys } from '../system.ts';

/** The defaults of the settings. */
const CONCURRENCY = 1_000;
const HOST_CONCURRENCY = 500;

export type WorkerMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  const lateness = new Map<string, number[]>();
  return {
    async start(system: System, upstreamHosts: readonly string[]): Promise<void> {
      const worker = await startWorker({
        ...nodeOptions(system, 'worker'),
        secretKeys: secretKeys(system),
        upstreamHosts,
        concurrency: CONCURRENCY,
        hostConcurrency: HOST_CONCURRENCY,
        onPoll(lateMs, tenantId) {
          const ofTenant = lateness.get(tenantId) ?? [];
          lateness.set(tenantId, ofTenant);
          ofTenant.push(lateMs);
        },
      });
      releasers.push('worker', () => worker.close(2_000));
    },
    /** Of the tenant's polls since the last call, ms. */
    lateness(tenantId: string): Spread {
      const spread = spreadOf(lateness.get(tenantId) ?? []);
      lateness.clear();
      return spread;
    },
  };
}

serveRole(createMethods);
