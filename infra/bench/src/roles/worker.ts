/** The worker as it is deployed; it notes how late its polls start. */

import type { Releasers } from '@qrcast/runtime/releasers';
import { startWorker } from '@qrcast/worker/worker';
import { type Spread, spreadOf } from '../measure.ts';
import { serveRole } from '../role-process.ts';
import { nodeOptions, type System, secretKeys } from '../system.ts';

const CONCURRENCY = 1_000;

export type WorkerMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  let lateness: number[] = [];
  return {
    async start(system: System, upstream: string): Promise<void> {
      const worker = await startWorker({
        ...nodeOptions(system, 'worker'),
        secretKeys: secretKeys(system),
        upstreamHosts: [upstream],
        concurrency: CONCURRENCY,
        onPoll: (lateMs) => lateness.push(lateMs),
      });
      releasers.push('worker', () => worker.close(2_000));
    },
    /** Of the polls since the last call, ms. */
    lateness(): Spread {
      const spread = spreadOf(lateness);
      lateness = [];
      return spread;
    },
  };
}

serveRole(createMethods);
