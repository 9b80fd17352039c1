/** The worker as it is deployed. It can be asked for a sample of what it holds. */

import type { Releasers } from '@qrcast/runtime/releasers';
import { startWorker } from '@qrcast/worker/worker';
import { AUDIT_LIMITS, sampleProcess } from '../process-sample.ts';
import { serveRole } from '../role-process.ts';
import { nodeOptions, type System, secretKeys } from '../system.ts';

/** The defaults of the settings. */
const CONCURRENCY = 1_000;
const HOST_CONCURRENCY = 500;

export type SoakWorkerMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  return {
    async start(system: System, upstream: string): Promise<void> {
      const worker = await startWorker({
        ...nodeOptions(system, 'worker'),
        secretKeys: secretKeys(system),
        auditLimits: AUDIT_LIMITS,
        upstreamHosts: [upstream],
        concurrency: CONCURRENCY,
        hostConcurrency: HOST_CONCURRENCY,
      });
      releasers.push('worker', () => worker.close(2_000));
    },
    sample: sampleProcess,
  };
}

serveRole(createMethods);
