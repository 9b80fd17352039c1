/** One round of each contender of `latency`. What they measure is added to their samples. */

import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { Client, request } from 'undici';
import { codeLatencies } from './code-latencies.ts';
import type { BenchConfig } from './config.ts';
import { openShares } from './cpu-shares.ts';
import { measureFirst } from './first.ts';
import { type LatencyStage, openLatencyStage } from './latency-stage.ts';
import { monotonicMs } from './measure.ts';
import { until } from './pace.ts';
import { openRoleFor, type Role } from './role.ts';
import type { BrowserPollMethods } from './roles/browser-poll.ts';
import type { ProviderMethods } from './roles/provider.ts';
import { apiTokenOf } from './seed.ts';
import { INTERVAL_MS, TENANT } from './system.ts';

/** Of each session that is notified. */
export const VIEWERS_EACH = 20;
const CONNECT_SECONDS = 5;
/** Notifications, and first viewers. */
const PER_SECOND = 20;
/** What takes longer was lost. */
const LAST_WITHIN_MS = 2_000;
/** A notification counts only if it is of a later second than the attempt. */
const SETTLE_MS = 1_500;
const FIRST_BROWSER_INSTANCE = 2_202_000_000;
/** No browser polls these. Each round takes new ones. */
const FIRST_UNASKED_INSTANCE = 2_303_000_000;

/** Percents of a core. */
export type Shares = Partial<Record<'gateway' | 'worker' | 'redis' | 'provider' | 'viewers', number>>;

/** Of all rounds together, because a percentile of each would be of too few. All in ms. */
export interface Samples {
  readonly fromAnswer: number[];
  readonly fromBirth: number[];
  readonly notification: number[];
  readonly first: number[];
  /** From a change by the publisher to its viewer. */
  readonly background: number[];
  /** Codes that their viewer did not see, and notifications of which a viewer was not told. */
  missed: number;
}

export function createSamples(): Samples {
  return { fromAnswer: [], fromBirth: [], notification: [], first: [], background: [], missed: 0 };
}

export interface LatencyBench {
  readonly config: BenchConfig;
  readonly path: string;
  readonly releasers: Releasers;
  readonly provider: Role<ProviderMethods>;
  /** `http://host:port` of the provider. */
  readonly upstream: string;
  progress(text: string): void;
}

export function measureOurs(bench: LatencyBench, samples: Samples): Promise<Shares> {
  const { config, path, provider, upstream, progress } = bench;
  const perRound = (count: number): number => Math.ceil(count / config.rounds);
  const sizes = { notified: perRound(config.notified), unwatched: perRound(config.firsts), asked: samples.first.length };
  return inRound(bench, async (own) => {
    const stage = await openLatencyStage(config, path, own, upstream, sizes);
    progress('latency: measuring new codes');
    const shares = await measureCodes(bench, stage, samples);
    progress('latency: measuring notifications');
    await measureNotifications(stage, samples);
    progress('latency: measuring first viewers');
    await measureFirsts(stage, provider, samples);
    return shares;
  });
}

async function inRound<T>({ releasers }: LatencyBench, work: (own: Releasers) => Promise<T>): Promise<T> {
  const own = createReleasers();
  releasers.push('round', () => own.release());
  try {
    return await work(own);
  } finally {
    await own.release();
  }
}

async function measureCodes({ config, provider }: LatencyBench, stage: LatencyStage, samples: Samples): Promise<Shares> {
  const { gateway, worker, redis, viewers, polled } = stage;
  const seconds = config.seconds / config.rounds;
  await Promise.all([provider.call('newCodes'), viewers.call('take')]);
  const endShares = await openShares({ gateway, worker, redis, provider, viewers });
  let shares: Shares = {};
  const background = await stage.underLoad(seconds, async () => {
    await until(Date.now() + seconds * 1_000);
    shares = await endShares();
  });
  addAll(samples.background, background);
  const answered = (await provider.call('newCodes')).filter(([instance]) => instance >= polled.from);
  await until(Date.now() + LAST_WITHIN_MS);
  addCodes(samples, codeLatencies(answered, await viewers.call('take')));
  return shares;
}

function addCodes(samples: Samples, { fromAnswer, fromBirth, unseen }: ReturnType<typeof codeLatencies>): void {
  addAll(samples.fromAnswer, fromAnswer);
  addAll(samples.fromBirth, fromBirth);
  samples.missed += unseen;
}

/** There may be more than a call can have arguments. */
function addAll(to: number[], values: readonly number[]): void {
  for (const value of values) to.push(value);
}

async function measureNotifications(stage: LatencyStage, samples: Samples): Promise<void> {
  const { viewers, url, notified, underLoad } = stage;
  const { tickets, from } = notified;
  await viewers.call('connect', url, tickets, from, VIEWERS_EACH, CONNECT_SECONDS);
  await until(Date.now() + SETTLE_MS);
  await notify(stage, 0); // of no known instance: it opens the connection
  const background = await underLoad(tickets.length / PER_SECOND, () =>
    paced(tickets.length, async (index) => {
      const sentAt = monotonicMs();
      await notify(stage, from + index);
      const lastAt = await viewers.call('lastConnected', from + index, VIEWERS_EACH, LAST_WITHIN_MS);
      if (lastAt === null) samples.missed++;
      else samples.notification.push(lastAt - sentAt);
    }),
  );
  addAll(samples.background, background);
}

/** @throws {Error} if the gateway does not accept the notification */
async function notify({ url, webhookToken }: LatencyStage, instance: number): Promise<void> {
  const { statusCode, body } = await request(`${url.replace(/^ws/, 'http')}/v1/webhooks/green-api/${TENANT}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${webhookToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      typeWebhook: 'stateInstanceChanged',
      instanceData: { idInstance: instance, wid: '79990000002@c.us', typeInstance: 'v3' },
      timestamp: Math.floor(Date.now() / 1_000),
      stateInstance: 'authorized',
    }),
  });
  await body.dump();
  if (statusCode !== 200) throw new Error(`the gateway answered a notification with ${statusCode}; expected 200`);
}

async function measureFirsts(
  { url, unwatched, underLoad }: LatencyStage,
  provider: Role<ProviderMethods>,
  samples: Samples,
): Promise<void> {
  const { tickets, from } = unwatched;
  const background = await underLoad(tickets.length / PER_SECOND, () =>
    paced(tickets.length, async (index) => {
      const viewer = { url, over: 'WebSocket', ticket: tickets[index] ?? '' } as const;
      samples.first.push(await measureFirst(viewer, provider, from + index));
    }),
  );
  addAll(samples.background, background);
}

export function measureBrowsers(bench: LatencyBench, samples: Samples): Promise<Shares> {
  const { config, provider, upstream } = bench;
  return inRound(bench, async (own) => {
    const viewers = await openRoleFor<BrowserPollMethods>(own, 'browser-poll');
    await viewers.call('start', upstream, FIRST_BROWSER_INSTANCE, config.sessions, 1, INTERVAL_MS);
    await until(Date.now() + 2 * INTERVAL_MS); // as long as the worker has
    await Promise.all([provider.call('newCodes'), viewers.call('take')]);
    const endShares = await openShares({ provider, viewers });
    await until(Date.now() + (config.seconds / config.rounds) * 1_000);
    const [shares, answered] = [await endShares(), await provider.call('newCodes')];
    await until(Date.now() + LAST_WITHIN_MS);
    addCodes(samples, codeLatencies(answered, await viewers.call('take')));
    const done = samples.first.length;
    await paced(Math.ceil(config.firsts / config.rounds), async (index) => {
      samples.first.push(await firstAskDirectly(bench, FIRST_UNASKED_INSTANCE + done + index));
    });
    samples.missed += await viewers.call('failed');
    return shares;
  });
}

/** @returns from the begin of a connection to the receipt of the request, ms */
async function firstAskDirectly({ provider, upstream }: LatencyBench, instance: number): Promise<number> {
  const startedAt = monotonicMs();
  const client = new Client(upstream);
  try {
    await (await client.request({ path: `/waInstance${instance}/qr/${apiTokenOf(instance)}`, method: 'GET' })).body.dump();
    return (await provider.call('firstAskOf', instance)) - startedAt;
  } finally {
    await client.close();
  }
}

/** Calls `run` with 0 to `count - 1`, one after the other, and each not before its moment. */
async function paced(count: number, run: (index: number) => Promise<void>): Promise<void> {
  const startedAt = Date.now();
  for (let index = 0; index < count; index++) {
    await until(startedAt + (index * 1_000) / PER_SECOND);
    await run(index);
  }
}
