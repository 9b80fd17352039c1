/**
 * `hostile`: a tenant with N sessions at a host that accepts every connection and never answers.
 * How late are another tenant's polls, and how long do pushes to viewers take, beside it and alone?
 * All share one worker, one gateway and one Redis. The measured time begins with the first hostile
 * poll: the worker fills up, then recognises the dead host and stops asking it.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { latencies } from './deliveries.ts';
import { type Spread, spreadOf } from './measure.ts';
import { type MeteredRedis, openMeteredRedis } from './metered-redis.ts';
import { until } from './pace.ts';
import type { BenchResult } from './result.ts';
import { openRoleFor, type Role } from './role.ts';
import type { DeadHostMethods } from './roles/dead-host.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { ProviderMethods } from './roles/provider.ts';
import type { PublisherMethods } from './roles/publisher.ts';
import type { ViewersMethods } from './roles/viewers.ts';
import type { WorkerMethods } from './roles/worker.ts';
import { seedSessions } from './seed.ts';
import { createSystem, GATEWAY_FLAGS, INTERVAL_MS, TENANT, WORKER_FLAGS } from './system.ts';

const HEALTHY = 1_000;
/** Sessions with one viewer each, and how many changes a second they get together. */
const WATCHED = 100;
const CHANGES_PER_SECOND = 50;
const HOSTILE_TENANT = 'hostile';
/** The number of its first instance. */
const FIRST_HOSTILE = 1_000_000;
const SETTLE_MS = 1_000;
/** A message that takes longer was lost, or a newer state overtook it. */
const LAST_WITHIN_MS = 500;
const TARGETS = { latenessP99Ms: 1_000, pushP99Ms: 100 } as const;

interface Measured {
  readonly pollsPerSecond: number;
  readonly lateness: Spread;
  readonly gaps: Spread;
  readonly pushes: Spread;
  readonly workerShare: number;
  readonly redisShare: number;
}

/** What is asked for figures. */
interface Parts {
  readonly provider: Role<ProviderMethods>;
  readonly worker: Role<WorkerMethods>;
  readonly publisher: Role<PublisherMethods>;
  readonly viewers: Role<ViewersMethods>;
  readonly redis: MeteredRedis;
}

export async function runHostile(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  const provider = await openRoleFor<ProviderMethods>(releasers, 'provider');
  const deadHost = await openRoleFor<DeadHostMethods>(releasers, 'dead-host');
  const [{ url }, dead] = [await provider.call('start', config.answerMs), await deadHost.call('start')];
  const redis = await openMeteredRedis(path);
  releasers.push('redis', () => redis.close());
  const system = createSystem(redis.url);
  const worker = await openRoleFor<WorkerMethods>(releasers, 'worker', { ...config, nodeFlags: WORKER_FLAGS });
  await worker.call('start', system, [url, dead.url]);
  const gateway = await openRoleFor<GatewayMethods>(releasers, 'gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const publisher = await openRoleFor<PublisherMethods>(releasers, 'publisher');
  const viewers = await openRoleFor<ViewersMethods>(releasers, 'viewers');

  progress(`hostile: making ${HEALTHY} sessions and ${WATCHED} viewers`);
  const tickets = await publisher.call('start', system, WATCHED, url);
  await viewers.call('connect', (await gateway.call('start', system)).url, tickets);
  const { firstAt } = await seedSessions(system, { count: HEALTHY, from: WATCHED, upstream: url, tenantId: TENANT });
  await until(firstAt + INTERVAL_MS + SETTLE_MS);

  const parts: Parts = { provider, worker, publisher, viewers, redis };
  progress('hostile: measuring alone');
  const alone = await measure(parts, config.seconds / 2);
  progress(`hostile: making ${config.hostile} hostile sessions`);
  const hostile = { count: config.hostile, from: FIRST_HOSTILE, upstream: dead.url, tenantId: HOSTILE_TENANT };
  await until((await seedSessions(system, hostile)).firstAt);
  progress('hostile: measuring beside them');
  const beside = await measure(parts, config.seconds * 0.75);
  return report(config, alone, beside, await deadHost.call('most'));
}

async function measure({ provider, worker, publisher, viewers, redis }: Parts, seconds: number): Promise<Measured> {
  await Promise.all([worker.call('lateness', TENANT), provider.call('asked'), viewers.call('take')]);
  const [startedAt, workerBefore, redisBefore] = [performance.now(), await worker.usage(), await redis.usage()];
  const sent = await publisher.call('publish', CHANGES_PER_SECOND, seconds, false);
  const [workerAfter, redisAfter, ms] = [await worker.usage(), await redis.usage(), performance.now() - startedAt];
  const [lateness, { gaps, requests }] = [await worker.call('lateness', TENANT), await provider.call('asked')];
  await until(Date.now() + LAST_WITHIN_MS);
  return {
    pollsPerSecond: (requests * 1000) / ms,
    lateness,
    gaps,
    pushes: spreadOf(latencies(sent, await viewers.call('take'))),
    workerShare: ((workerAfter.cpuMs - workerBefore.cpuMs) / ms) * 100,
    redisShare: ((redisAfter.cpuMs - redisBefore.cpuMs) / ms) * 100,
  };
}

function report({ hostile, answerMs }: BenchConfig, alone: Measured, beside: Measured, most: number): BenchResult {
  const row = (what: string, unit: string, of: (measured: Measured) => number) => ({ what, unit, ours: of(beside), others: [of(alone)] });
  const wanted = (HEALTHY + WATCHED) / (INTERVAL_MS / 1000);
  return {
    title: `hostile: ${HEALTHY} sessions polled every ${INTERVAL_MS / 1000} s (answers after ${answerMs} ms) and ${WATCHED} viewers, beside ${hostile} sessions of another tenant at a dead host`,
    columns: ['beside', 'alone'],
    rows: [
      { what: 'polls wanted', unit: '/s', ours: wanted, others: [wanted] },
      row('polls got', '/s', ({ pollsPerSecond }) => pollsPerSecond),
      row('lateness, p50', 'ms', ({ lateness }) => lateness.p50),
      row('lateness, p99', 'ms', ({ lateness }) => lateness.p99),
      row('lateness, max', 'ms', ({ lateness }) => lateness.max),
      row('gap beyond 5 s at the provider, p99', 'ms', ({ gaps }) => gaps.p99 - INTERVAL_MS),
      row('gap beyond 5 s at the provider, max', 'ms', ({ gaps }) => gaps.max - INTERVAL_MS),
      row('change to viewer, p50', 'ms', ({ pushes }) => pushes.p50),
      row('change to viewer, p99', 'ms', ({ pushes }) => pushes.p99),
      row('change to viewer, max', 'ms', ({ pushes }) => pushes.max),
      row('worker CPU', '% of a core', ({ workerShare }) => workerShare),
      row('Redis CPU', '% of a core', ({ redisShare }) => redisShare),
      { what: 'connections at the dead host, most', unit: '', ours: most, others: [] },
    ],
    targets: [
      { what: 'lateness p99 beside', measured: beside.lateness.p99, unit: 'ms', most: TARGETS.latenessP99Ms },
      { what: 'change to viewer p99 beside', measured: beside.pushes.p99, unit: 'ms', most: TARGETS.pushP99Ms },
    ],
    notes: [],
  };
}
