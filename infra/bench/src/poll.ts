/**
 * `poll`: one worker, N waiting sessions, an interval of 5 s. It measures how late the polls are,
 * and what one poll costs. Then the bare loop asks the same provider for the same instances at the
 * same rate.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import type { Spread } from './measure.ts';
import { type MeteredRedis, openMeteredRedis } from './metered-redis.ts';
import { until } from './pace.ts';
import { createPicture } from './picture.ts';
import type { BenchResult, Target } from './result.ts';
import { openRoleFor, type Role } from './role.ts';
import type { BarePollerMethods } from './roles/bare-poller.ts';
import type { Asked, ProviderMethods } from './roles/provider.ts';
import type { WorkerMethods } from './roles/worker.ts';
import { apiTokenOf, seedSessions } from './seed.ts';
import { createSystem, INTERVAL_MS, TENANT, WORKER_FLAGS } from './system.ts';

const BARE_WARM_UP_SECONDS = 3;
/** Waited after the first interval, in which the worker connects, loads and compiles everything. */
const SETTLE_MS = 1_000;
const TARGETS = { latenessP99Ms: 700, workerMb: 250, redisKb: 1.5 } as const;

interface Cost {
  readonly pollerMs: number;
  readonly redisMs: number;
  readonly providerMs: number;
}

interface Load extends Cost {
  readonly seconds: number;
  readonly polls: number;
  readonly rssBytes: number;
}

interface Ours extends Load {
  readonly lateness: Spread;
  readonly gaps: Spread;
  readonly waitingBytes: number;
  readonly showingBytes: number;
  /** What the code of one session takes in Redis as a plain key. */
  readonly codeBytes: number;
}

export async function runPoll(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  const provider = await openRoleFor<ProviderMethods>(releasers, 'provider');
  const { url } = await provider.call('start', config.answerMs);
  const ours = await measureOurs(config, path, releasers, progress, provider, url);
  const bare = await measureBare(config, path, releasers, progress, provider, url);

  const wanted = config.instances / (INTERVAL_MS / 1000);
  const perPoll = (cost: keyof Cost) => ({ ours: (ours[cost] * 1000) / ours.polls, others: [(bare[cost] * 1000) / bare.polls] });
  return {
    title: `poll: ${config.instances} waiting sessions, every ${INTERVAL_MS / 1000} s, 1 worker, provider answers after ${config.answerMs} ms`,
    rows: [
      { what: 'polls wanted', unit: '/s', ours: wanted, others: [wanted] },
      { what: 'polls got', unit: '/s', ours: ours.polls / ours.seconds, others: [bare.polls / bare.seconds] },
      { what: 'lateness, p50', unit: 'ms', ours: ours.lateness.p50, others: [] },
      { what: 'lateness, p99', unit: 'ms', ours: ours.lateness.p99, others: [] },
      { what: 'lateness, max', unit: 'ms', ours: ours.lateness.max, others: [] },
      { what: 'gap beyond 5 s at the provider, p50', unit: 'ms', ours: ours.gaps.p50 - INTERVAL_MS, others: [] },
      { what: 'gap beyond 5 s at the provider, p99', unit: 'ms', ours: ours.gaps.p99 - INTERVAL_MS, others: [] },
      { what: 'gap beyond 5 s at the provider, max', unit: 'ms', ours: ours.gaps.max - INTERVAL_MS, others: [] },
      { what: 'worker CPU per poll', unit: 'µs', ...perPoll('pollerMs') },
      { what: 'Redis CPU per poll', unit: 'µs', ...perPoll('redisMs') },
      { what: 'provider CPU per poll', unit: 'µs', ...perPoll('providerMs') },
      { what: 'worker RSS', unit: 'MB', ours: ours.rssBytes / 1e6, others: [bare.rssBytes / 1e6] },
      { what: 'Redis per session before its first code', unit: 'kB', ours: ours.waitingBytes / config.instances / 1000, others: [] },
      {
        what: 'Redis per session with a code, less the code as a plain key',
        unit: 'kB',
        ours: besidesCode(config, ours) / 1000,
        others: [],
      },
    ],
    targets: targetsOf(config, ours),
    notes: config.instances < 10_000 ? ['fixed costs weigh more per poll and per session with fewer than 10,000 sessions'] : [],
  };
}

function besidesCode({ instances }: Pick<BenchConfig, 'instances'>, ours: Ours): number {
  return ours.showingBytes / instances - ours.codeBytes;
}

function targetsOf({ instances }: BenchConfig, ours: Ours): readonly Target[] {
  return [
    { what: `lateness p99 of ${instances} sessions`, measured: ours.lateness.p99, unit: 'ms', most: TARGETS.latenessP99Ms },
    { what: 'worker RSS', measured: ours.rssBytes / 1e6, unit: 'MB', most: TARGETS.workerMb },
    {
      what: 'Redis per waiting session before its first code',
      measured: ours.waitingBytes / instances / 1000,
      unit: 'kB',
      most: TARGETS.redisKb,
    },
    {
      what: 'Redis per waiting session besides its code',
      measured: besidesCode({ instances }, ours) / 1000,
      unit: 'kB',
      most: TARGETS.redisKb,
    },
  ];
}

async function measureOurs(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
  provider: Role<ProviderMethods>,
  upstream: string,
): Promise<Ours> {
  const redis = await openMeteredRedis(path);
  releasers.push('redis', () => redis.close());
  const system = createSystem(redis.url);
  progress(`poll: making ${config.instances} sessions`);
  const empty = await redis.usage();
  const { firstAt } = await seedSessions(system, { count: config.instances, from: 0, upstream, tenantId: TENANT });
  const waiting = await redis.usage();

  const worker = await openRoleFor<WorkerMethods>(releasers, 'worker', { ...config, nodeFlags: WORKER_FLAGS });
  await worker.call('start', system, [upstream]);
  progress('poll: warming up');
  await until(firstAt + INTERVAL_MS + SETTLE_MS);
  progress(`poll: measuring ${config.seconds} s`);
  await worker.call('lateness', TENANT);
  const window = await openWindow(worker, redis, provider);
  await until(Date.now() + config.seconds * 1000);
  const [measured, lateness, showing] = [await window(), await worker.call('lateness', TENANT), await redis.usage()];
  const codeBytes = await redis.bytesOf(`data:image/png;base64,${createPicture()}`);
  // The bare loop must have the machine for itself.
  await worker.close();
  await redis.close();
  return {
    ...measured,
    polls: measured.asked.requests,
    lateness,
    gaps: measured.asked.gaps,
    waitingBytes: waiting.dataBytes - empty.dataBytes,
    showingBytes: showing.dataBytes - empty.dataBytes,
    codeBytes,
  };
}

async function measureBare(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
  provider: Role<ProviderMethods>,
  upstream: string,
): Promise<Load> {
  const redis = await openMeteredRedis(path);
  releasers.push('bare redis', () => redis.close());
  const poller = await openRoleFor<BarePollerMethods>(releasers, 'bare-poller', { nodeFlags: WORKER_FLAGS });
  const paths = Array.from({ length: config.instances }, (_, index) => `/waInstance${1_101_000_000 + index}/qr/${apiTokenOf(index)}`);
  const perSecond = config.instances / (INTERVAL_MS / 1000);
  await poller.call('start', redis.url, upstream, paths);
  progress('poll: warming up the bare loop');
  await poller.call('run', perSecond, BARE_WARM_UP_SECONDS);
  progress(`poll: measuring the bare loop ${config.seconds} s`);
  const window = await openWindow(poller, redis, provider);
  const polls = await poller.call('run', perSecond, config.seconds);
  return { ...(await window()), polls };
}

/** @returns a function that ends the window and returns what was used in it */
async function openWindow(
  poller: Pick<Role<WorkerMethods>, 'usage'>,
  redis: MeteredRedis,
  provider: Role<ProviderMethods>,
): Promise<() => Promise<Cost & { seconds: number; rssBytes: number; asked: Asked }>> {
  const usages = () => Promise.all([poller.usage(), redis.usage(), provider.usage(), provider.call('asked')]);
  const before = await usages();
  const startedAt = performance.now();
  return async () => {
    const seconds = (performance.now() - startedAt) / 1000;
    const after = await usages();
    return {
      seconds,
      pollerMs: after[0].cpuMs - before[0].cpuMs,
      redisMs: after[1].cpuMs - before[1].cpuMs,
      providerMs: after[2].cpuMs - before[2].cpuMs,
      rssBytes: after[0].rssBytes,
      asked: after[3],
    };
  };
}
