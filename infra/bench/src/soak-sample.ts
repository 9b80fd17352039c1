/** One sample of a long run: what each process holds, and what it used since the last sample. */

import { availableParallelism } from 'node:os';
import type { MeteredRedis } from './metered-redis.ts';
import type { ProcessSample } from './process-sample.ts';
import type { Role } from './role.ts';
import type { ApiGatewayMethods } from './roles/api-gateway.ts';
import type { CodeProviderMethods } from './roles/code-provider.ts';
import type { PublisherMethods } from './roles/publisher.ts';
import type { SoakViewersMethods } from './roles/soak-viewers.ts';
import type { SoakWorkerMethods } from './roles/soak-worker.ts';

export interface SoakParts {
  readonly gateway: Role<ApiGatewayMethods>;
  readonly worker: Role<SoakWorkerMethods>;
  readonly redis: MeteredRedis;
  readonly provider: Role<CodeProviderMethods>;
  readonly publisher: Role<PublisherMethods>;
  readonly viewers: Role<SoakViewersMethods>;
  countKeys(): Promise<number>;
}

export interface SoakSample {
  /** Since the beginning of the load. */
  readonly minute: number;
  readonly gateway: ProcessSample;
  readonly worker: ProcessSample;
  readonly redisKeys: number;
  readonly redisBytes: number;
  /** The longest time that its loop stood still. */
  readonly gatewayStallMs: number;
  readonly workerStallMs: number;
  /** In percent of a core. */
  readonly gatewayShare: number;
  readonly workerShare: number;
  readonly redisShare: number;
  /** Of all processes, in percent of all cores. */
  readonly machineShare: number;
  /** Requests to the provider. */
  readonly pollsPerSecond: number;
  /** States and confirmations that viewers got. */
  readonly toldPerSecond: number;
}

interface Used {
  readonly at: number;
  readonly gateway: number;
  readonly worker: number;
  readonly redis: number;
  /** CPU of all, ms. */
  readonly all: number;
  readonly told: number;
}

/** @returns takes a sample; what was used counts from the last one, or from now */
export async function createSampler(parts: SoakParts): Promise<(minute: number) => Promise<SoakSample>> {
  const { gateway, worker, redis, provider } = parts;
  let before = await usedBy(parts);
  await provider.call('takePolls');
  await Promise.all([gateway.stallMs(), worker.stallMs()]);
  return async (minute) => {
    // Before the collections, which use CPU time and let the loops stand still.
    const [after, polls] = [await usedBy(parts), await provider.call('takePolls')];
    const [gatewayStallMs, workerStallMs] = [await gateway.stallMs(), await worker.stallMs()];
    const ms = after.at - before.at;
    const share = (of: 'gateway' | 'worker' | 'redis' | 'all'): number => ((after[of] - before[of]) / ms) * 100;
    const sample = {
      ...{ minute, gatewayStallMs, workerStallMs },
      ...{ gatewayShare: share('gateway'), workerShare: share('worker'), redisShare: share('redis') },
      machineShare: share('all') / availableParallelism(),
      pollsPerSecond: (polls * 1_000) / ms,
      toldPerSecond: ((after.told - before.told) * 1_000) / ms,
      gateway: await gateway.call('sample'),
      worker: await worker.call('sample'),
      redisKeys: await parts.countKeys(),
      redisBytes: (await redis.usage()).dataBytes,
    };
    before = await usedBy(parts);
    await Promise.all([gateway.stallMs(), worker.stallMs()]);
    return sample;
  };
}

async function usedBy({ gateway, worker, redis, provider, publisher, viewers }: SoakParts): Promise<Used> {
  const used = await Promise.all([gateway, worker, redis, provider, publisher, viewers].map(async (part) => (await part.usage()).cpuMs));
  const [ofGateway = 0, ofWorker = 0, ofRedis = 0] = used;
  const { told } = await viewers.call('counts');
  return { at: performance.now(), gateway: ofGateway, worker: ofWorker, redis: ofRedis, all: used.reduce((sum, ms) => sum + ms, 0), told };
}
