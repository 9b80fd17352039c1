/**
 * `upstream`: how often is the provider asked for one instance, if 1 to 1,000 viewers watch it, and if
 * 1, 2 or 4 workers poll? The rival has no gateway: each viewer polls the provider itself.
 *
 * All sizes are watched at the same time. Requests are counted at the provider, over whole intervals
 * from the first one of each instance, so no edge of the measured time adds any.
 */

import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { type Frequency, frequencyOf, timesPerInterval } from './intervals.ts';
import { openMeteredRedis } from './metered-redis.ts';
import { until } from './pace.ts';
import type { BenchResult, Row } from './result.ts';
import { openRoleFor, type Role } from './role.ts';
import type { BrowserPollMethods } from './roles/browser-poll.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { ProviderMethods } from './roles/provider.ts';
import type { ViewersMethods } from './roles/viewers.ts';
import type { WorkerMethods } from './roles/worker.ts';
import { FIRST_INSTANCE, seedUnwatched } from './seed.ts';
import { createSystem, GATEWAY_FLAGS, INTERVAL_MS, TENANT, WORKER_FLAGS } from './system.ts';

/** So many instances are watched by so many viewers each. */
const SIZES = [
  { viewers: 1, instances: 20 },
  { viewers: 10, instances: 10 },
  { viewers: 100, instances: 4 },
  { viewers: 1_000, instances: 2 },
] as const;
const INSTANCES = SIZES.reduce((sum, { instances }) => sum + instances, 0);
const WORKERS = [1, 2, 4] as const;
/** Of 6 requests or more. */
const LEAST_INTERVALS = 5;
const FIRST_BROWSER_INSTANCE = 2_202_000_000;
/** A request may come 100 ms early, which is half a percent of 4 intervals. The bare number is 1. */
const TARGET_PER_INTERVAL = 1.01;
/** Per instance. */
const PROVIDER_ALLOWS_EVERY_MS = 1_000;

/** What the provider saw of each instance, for each of `SIZES`. */
interface Seen {
  readonly sizes: readonly (readonly Frequency[])[];
  readonly requestsPerSecond: number;
}

type Progress = (text: string) => void;

export async function runUpstream(config: BenchConfig, path: string, releasers: Releasers, progress: Progress): Promise<BenchResult> {
  const provider = await openRoleFor<ProviderMethods>(releasers, 'provider');
  const { url } = await provider.call('start', config.answerMs);
  const seconds = Math.max(config.seconds, (LEAST_INTERVALS * INTERVAL_MS) / 1_000);
  const bench: Bench = { config, path, releasers, progress, provider, url, seconds };
  const ours = await measureOurs(bench);
  const browsers = await measureBrowsers(bench);
  return report(ours, browsers, seconds);
}

interface Bench {
  readonly config: BenchConfig;
  readonly path: string;
  readonly releasers: Releasers;
  readonly provider: Role<ProviderMethods>;
  /** Of the provider. */
  readonly url: string;
  readonly seconds: number;
  readonly progress: Progress;
}

interface Ours {
  /** For each of `WORKERS`. */
  readonly seen: readonly Seen[];
  /** While the viewers connected, and an interval longer. */
  readonly connecting: Seen;
}

async function measureOurs({ config, path, releasers, provider, url, seconds, progress }: Bench): Promise<Ours> {
  const own = createReleasers();
  releasers.push('qrcast', () => own.release());
  const redis = await openMeteredRedis(path);
  own.push('redis', () => redis.close());
  const system = createSystem(redis.url);
  const gateway = await openRoleFor<GatewayMethods>(own, 'gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const { url: gatewayUrl } = await gateway.call('start', system);
  const tickets = await seedUnwatched(system, { count: INSTANCES, from: 0, upstream: url, tenantId: TENANT });
  const viewers = await openRoleFor<ViewersMethods>(own, 'viewers');
  let workers = 0;
  const addWorkers = async (count: number): Promise<void> => {
    for (; workers < count; workers++) {
      const worker = await openRoleFor<WorkerMethods>(own, 'worker', { ...config, nodeFlags: WORKER_FLAGS });
      await worker.call('start', system, [url]);
    }
  };

  progress('upstream: connecting the viewers');
  await addWorkers(1);
  await provider.call('beginTimes');
  await viewers.call('connect', gatewayUrl, ticketsOfAll(tickets), 'WebSocket');
  await until(Date.now() + INTERVAL_MS);
  const connecting = await look(provider, FIRST_INSTANCE, seconds);
  const seen: Seen[] = [];
  for (const count of WORKERS) {
    progress(`upstream: ${count} workers, for ${seconds} s`);
    await addWorkers(count);
    await until(Date.now() + INTERVAL_MS);
    seen.push(await watch(provider, FIRST_INSTANCE, seconds));
  }
  await own.release();
  return { seen, connecting };
}

/** One for each viewer. */
function ticketsOfAll(tickets: readonly string[]): readonly string[] {
  const viewersOf = SIZES.flatMap(({ viewers, instances }) => Array.from({ length: instances }, () => viewers));
  return tickets.flatMap((ticket, place) => Array.from({ length: viewersOf[place] ?? 0 }, () => ticket));
}

async function measureBrowsers({ releasers, provider, url, seconds, progress }: Bench): Promise<Seen> {
  progress(`upstream: browsers that poll themselves, for ${seconds} s`);
  const browsers = await openRoleFor<BrowserPollMethods>(releasers, 'browser-poll');
  let from = FIRST_BROWSER_INSTANCE;
  for (const { viewers, instances } of SIZES) {
    await browsers.call('start', url, from, instances, viewers, INTERVAL_MS);
    from += instances;
  }
  await until(Date.now() + INTERVAL_MS);
  return watch(provider, FIRST_BROWSER_INSTANCE, seconds);
}

async function watch(provider: Role<ProviderMethods>, firstInstance: number, seconds: number): Promise<Seen> {
  await provider.call('beginTimes');
  await until(Date.now() + seconds * 1_000);
  return look(provider, firstInstance, seconds);
}

/** @param firstInstance those of `SIZES` follow one another */
async function look(provider: Role<ProviderMethods>, firstInstance: number, seconds: number): Promise<Seen> {
  const times = new Map(await provider.call('times'));
  let next = firstInstance;
  const ofInstances = SIZES.map(({ instances }) => Array.from({ length: instances }, () => times.get(next++) ?? []));
  const requests = ofInstances.flat().reduce((sum, { length }) => sum + length, 0);
  return {
    sizes: ofInstances.map((ofSize) => ofSize.map((one) => frequencyOf(one, INTERVAL_MS))),
    requestsPerSecond: requests / seconds,
  };
}

function report({ seen, connecting }: Ours, browsers: Seen, seconds: number): BenchResult {
  const closest = shortestGap(connecting);
  return {
    title: `upstream: ${SIZES.map(({ viewers, instances }) => `${instances} × ${viewers}`).join(', ')} viewers, every ${INTERVAL_MS / 1_000} s, for ${seconds} s each`,
    columns: ['qrcast', 'browser-poll'],
    rows: [
      ...seen.flatMap((ours, place) => rowsOf(nameOf(place), ours, browsers)),
      { what: 'shortest gap of an instance while its viewers connected', unit: 'ms', ours: closest, others: [] },
    ],
    targets: seen.map((ours, place) => ({
      what: `${nameOf(place)}: requests in 5 s, of the instance with most`,
      measured: Math.max(...ours.sizes.flat().map((one) => timesPerInterval([one]))),
      unit: 'requests',
      most: TARGET_PER_INTERVAL,
    })),
    notes: [
      `shortest gap of browser-poll: ${shortestGap(browsers).toFixed(2)} ms; the provider allows one request in ${PROVIDER_ALLOWS_EVERY_MS} ms`,
    ],
  };
}

const nameOf = (place: number): string => (WORKERS[place] === 1 ? '1 worker' : `${WORKERS[place]} workers`);

function rowsOf(workers: string, ours: Seen, browsers: Seen): readonly Row[] {
  const rates = SIZES.map(({ viewers }, size) => ({
    what: `${workers}, ${viewers} ${viewers === 1 ? 'viewer' : 'viewers'}: requests per instance in 5 s`,
    unit: '',
    ours: timesPerInterval(ours.sizes[size] ?? []),
    others: [timesPerInterval(browsers.sizes[size] ?? [])],
  }));
  return [
    ...rates,
    { what: `${workers}: requests at the provider`, unit: '/s', ours: ours.requestsPerSecond, others: [browsers.requestsPerSecond] },
    { what: `${workers}: shortest gap of an instance`, unit: 'ms', ours: shortestGap(ours), others: [] },
  ];
}

function shortestGap({ sizes }: Seen): number {
  const gaps = sizes.flat().map(({ shortestGapMs }) => shortestGapMs);
  return Math.min(...gaps.filter((gap) => !Number.isNaN(gap)));
}
