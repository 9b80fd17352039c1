/** What one state costs with several gateways, and what one poll costs with several workers. */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import type { Used } from './cpu-shares.ts';
import { type MeteredRedis, openMeteredRedis } from './metered-redis.ts';
import { soon, until } from './pace.ts';
import { openRoleFor } from './role.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { ProviderMethods } from './roles/provider.ts';
import type { PublisherMethods } from './roles/publisher.ts';
import type { ViewersMethods } from './roles/viewers.ts';
import type { WorkerMethods } from './roles/worker.ts';
import { seedSessions } from './seed.ts';
import { createSystem, GATEWAY_FLAGS, INTERVAL_MS, TENANT, WORKER_FLAGS } from './system.ts';

/** Of each process, so several get as much to compile their code as one. */
const WARM_UP_STATES = 1_000;
const WARM_UP_POLLS = 2_000;
const LEAST_WARM_UP_SECONDS = 3;
const LAST_WITHIN_MS = 2_000;
/** There is no worker. */
const NEVER_ASKED = 'http://127.0.0.1:1';

export interface UnitCost {
  /** Of all gateways, or of all workers. */
  readonly processUs: number;
  readonly redisUs: number;
}

export interface ScaleSetUp {
  readonly config: BenchConfig;
  readonly path: string;
  readonly own: Releasers;
  readonly processes: number;
}

/** The viewers and their states are spread evenly over the gateways. */
export async function measureGateways({ config, path, own, processes }: ScaleSetUp): Promise<UnitCost> {
  const redis = await openRedis(path, own);
  const system = createSystem(redis.url);
  const publisher = await openRoleFor<PublisherMethods>(own, 'publisher');
  const viewers = await openRoleFor<ViewersMethods>(own, 'viewers');
  const gateways = await inTurn(processes, () => openRoleFor<GatewayMethods>(own, 'gateway', { ...config, nodeFlags: GATEWAY_FLAGS }));
  const urls = await inTurn(processes, async (place) => (await gateways[place]?.call('start', system))?.url ?? '');
  const tickets = await publisher.call('start', system, config.sessions, NEVER_ASKED);
  for (const [place, url] of urls.entries()) {
    const ofGateway = tickets.filter((_, index) => index % processes === place);
    await viewers.call('connect', url, ofGateway, 'WebSocket');
  }
  const deliver = async (seconds: number): Promise<number> => {
    await viewers.call('take');
    const sent = await publisher.call('publish', config.rate, seconds, false);
    for (const end = Date.now() + LAST_WITHIN_MS; Date.now() < end && (await viewers.call('received')) < sent.length; ) await soon();
    return viewers.call('received');
  };
  await deliver(Math.max(LEAST_WARM_UP_SECONDS, (WARM_UP_STATES * processes) / config.rate));
  return costOf(gateways, redis, () => deliver(config.seconds / config.rounds));
}

/** Each worker takes what it can get, as in every deployment. */
export async function measureWorkers({ config, path, own, processes }: ScaleSetUp): Promise<UnitCost> {
  const provider = await openRoleFor<ProviderMethods>(own, 'provider');
  const { url: upstream } = await provider.call('start', config.answerMs);
  const redis = await openRedis(path, own);
  const system = createSystem(redis.url);
  const { firstAt } = await seedSessions(system, { count: config.instances, from: 0, upstream, tenantId: TENANT });
  const workers = await inTurn(processes, () => openRoleFor<WorkerMethods>(own, 'worker', { ...config, nodeFlags: WORKER_FLAGS }));
  for (const worker of workers) await worker.call('start', system, [upstream]);
  const perSecond = (config.instances * 1_000) / INTERVAL_MS;
  const warmUpMs = Math.max(INTERVAL_MS, (WARM_UP_POLLS * processes * 1_000) / perSecond);
  await until(firstAt + warmUpMs);
  return costOf(workers, redis, async () => {
    await provider.call('asked');
    await until(Date.now() + (config.seconds * 1_000) / config.rounds);
    return (await provider.call('asked')).requests;
  });
}

async function openRedis(path: string, own: Releasers): Promise<MeteredRedis> {
  const redis = await openMeteredRedis(path);
  own.push('redis', () => redis.close());
  return redis;
}

async function inTurn<T>(count: number, make: (place: number) => Promise<T>): Promise<readonly T[]> {
  const made: T[] = [];
  for (let place = 0; place < count; place++) made.push(await make(place));
  return made;
}

/** @param work resolves to its units */
async function costOf(processes: readonly Used[], redis: Used, work: () => Promise<number>): Promise<UnitCost> {
  const read = async () => {
    const [ofRedis, ...ofProcesses] = await Promise.all([redis, ...processes].map((one) => one.usage()));
    return { redisMs: ofRedis?.cpuMs ?? Number.NaN, processMs: ofProcesses.reduce((sum, { cpuMs }) => sum + cpuMs, 0) };
  };
  const before = await read();
  const units = await work();
  const after = await read();
  return {
    processUs: ((after.processMs - before.processMs) * 1_000) / units,
    redisUs: ((after.redisMs - before.redisMs) * 1_000) / units,
  };
}
