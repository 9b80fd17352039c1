/**
 * `relay`, over Socket.IO, and `relay-ws`, over plain WebSockets: how long a change takes to reach
 * the viewer, and what that costs. Each session has one viewer. Changes come at a fixed rate: whole states with a new picture (`state`), and
 * confirmations of the same code (`fresh`). The bare loop gets the same load. The rounds of both
 * alternate, so that other load on the machine affects both alike.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { latencies, type Mark } from './deliveries.ts';
import { type Spread, spreadOf } from './measure.ts';
import { type MeteredRedis, openMeteredRedis } from './metered-redis.ts';
import type { BenchResult, Row } from './report.ts';
import { openRoleFor, type Role } from './role.ts';
import type { BareGatewayMethods } from './roles/bare-gateway.ts';
import type { BarePublisherMethods } from './roles/bare-publisher.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { PublisherMethods } from './roles/publisher.ts';
import type { ViewersMethods } from './roles/viewers.ts';
import { createSystem, GATEWAY_FLAGS } from './system.ts';
import type { Over } from './viewer-socket.ts';

const ROUNDS = 2;
/** Two sides, with two kinds of message each. */
const WINDOWS_PER_ROUND = 4;
const WARM_UP_SECONDS = 3;
const IDLE_SECONDS = 5;
/** A message that takes longer was lost, or a newer state overtook it. */
const LAST_WITHIN_MS = 2_000;
const TARGET_P99_MS = 15;
/** There is no worker. */
const NEVER_ASKED = 'http://127.0.0.1:1';

/** A gateway, its Redis, its publisher and its viewers. */
export interface Side {
  readonly redis: MeteredRedis;
  readonly gateway: Pick<Role<GatewayMethods>, 'usage'>;
  readonly publisher: Pick<Role<PublisherMethods | BarePublisherMethods>, 'usage'> & {
    publish(perSecond: number, seconds: number, isFresh: boolean): Promise<readonly Mark[]>;
  };
  readonly viewers: Role<ViewersMethods>;
}

interface Cost {
  readonly gatewayMs: number;
  readonly redisMs: number;
  readonly publisherMs: number;
}

interface Window extends Cost {
  readonly sent: number;
  readonly latencies: readonly number[];
}

type Progress = (text: string) => void;

export const runRelay = (config: BenchConfig, path: string, releasers: Releasers, progress: Progress): Promise<BenchResult> =>
  measureRelay(config, path, releasers, progress, 'Socket.IO');
export const runRelayWs = (config: BenchConfig, path: string, releasers: Releasers, progress: Progress): Promise<BenchResult> =>
  measureRelay(config, path, releasers, progress, 'WebSocket');

async function measureRelay(config: BenchConfig, path: string, releasers: Releasers, progress: Progress, over: Over): Promise<BenchResult> {
  progress(`relay over ${over}: ${config.sessions} sessions and viewers on each side`);
  const ours = await openOurs(config, path, releasers, over);
  const bare = await openBare(config, path, releasers, over);
  for (const side of [ours, bare]) await load(side, config.rate, WARM_UP_SECONDS, false);

  progress('relay: idle');
  const idle = await idleCost(ours);
  const windows = { state: { ours: [] as Window[], bare: [] as Window[] }, fresh: { ours: [] as Window[], bare: [] as Window[] } };
  const seconds = (config.seconds * 2) / (ROUNDS * WINDOWS_PER_ROUND);
  for (let round = 1; round <= ROUNDS; round++) {
    for (const kind of ['state', 'fresh'] as const) {
      progress(`relay: ${kind}, round ${round} of ${ROUNDS}`);
      windows[kind].ours.push(await load(ours, config.rate, seconds, kind === 'fresh'));
      windows[kind].bare.push(await load(bare, config.rate, seconds, kind === 'fresh'));
    }
  }
  const [ourUsage, bareUsage] = [await ours.gateway.usage(), await bare.gateway.usage()];
  const state = { ours: merge(windows.state.ours), bare: merge(windows.state.bare) };
  const fresh = { ours: merge(windows.fresh.ours), bare: merge(windows.fresh.bare) };
  return {
    title: `relay over ${over}: ${config.sessions} sessions, 1 viewer each, 1 gateway, ${config.rate} changes/s, picture of 5 kB`,
    rows: [
      ...rowsOf('state', state.ours, state.bare),
      ...rowsOf('fresh', fresh.ours, fresh.bare),
      { what: 'gateway RSS', unit: 'MB', ours: ourUsage.rssBytes / 1e6, bare: bareUsage.rssBytes / 1e6 },
      { what: 'gateway CPU while nothing changes', unit: '% of a core', ours: idle.gatewayMs / (IDLE_SECONDS * 10), bare: null },
      { what: 'Redis CPU while nothing changes', unit: '% of a core', ours: idle.redisMs / (IDLE_SECONDS * 10), bare: null },
    ],
    targets: [
      { what: `state p99 at ${config.sessions} sessions`, measured: spreadOf(state.ours.latencies).p99, unit: 'ms', below: TARGET_P99_MS },
    ],
    notes: [],
  };
}

export async function openOurs(config: BenchConfig, path: string, releasers: Releasers, over: Over, viewersEach = 1): Promise<Side> {
  const redis = await openMeteredRedis(path);
  releasers.push('redis', () => redis.close());
  const system = createSystem(redis.url);
  const gateway = await openRoleFor<GatewayMethods>(releasers, 'gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const publisher = await openRoleFor<PublisherMethods>(releasers, 'publisher');
  const { url } = await gateway.call('start', system);
  const viewers = await openViewers(url, await publisher.call('start', system, config.sessions, NEVER_ASKED), releasers, over, viewersEach);
  return { redis, gateway, viewers, publisher: { usage: publisher.usage, publish: (...load) => publisher.call('publish', ...load) } };
}

export async function openBare(config: BenchConfig, path: string, releasers: Releasers, over: Over, viewersEach = 1): Promise<Side> {
  const redis = await openMeteredRedis(path);
  releasers.push('bare redis', () => redis.close());
  const gateway = await openRoleFor<BareGatewayMethods>(releasers, 'bare-gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const publisher = await openRoleFor<BarePublisherMethods>(releasers, 'bare-publisher');
  const { url } = await gateway.call('start', redis.url, over);
  const viewers = await openViewers(url, await publisher.call('start', redis.url, config.sessions), releasers, over, viewersEach);
  return { redis, gateway, viewers, publisher: { usage: publisher.usage, publish: (...load) => publisher.call('publish', ...load) } };
}

async function openViewers(
  url: string,
  tickets: readonly string[],
  releasers: Releasers,
  over: Over,
  each: number,
): Promise<Role<ViewersMethods>> {
  const viewers = await openRoleFor<ViewersMethods>(releasers, 'viewers');
  const all = tickets.flatMap((ticket) => Array.from({ length: each }, () => ticket));
  await viewers.call('connect', url, all, over);
  return viewers;
}

async function load(side: Side, perSecond: number, seconds: number, isFresh: boolean): Promise<Window> {
  await side.viewers.call('take');
  const before = await costOf(side);
  const sent = await side.publisher.publish(perSecond, seconds, isFresh);
  for (const end = Date.now() + LAST_WITHIN_MS; Date.now() < end && (await side.viewers.call('received')) < sent.length; ) await soon();
  const after = await costOf(side);
  return { ...difference(before, after), sent: sent.length, latencies: latencies(sent, await side.viewers.call('take')) };
}

async function idleCost(side: Side): Promise<Cost> {
  const before = await costOf(side);
  await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
  return difference(before, await costOf(side));
}

async function costOf({ gateway, redis, publisher }: Side): Promise<Cost> {
  const [ofGateway, ofRedis, ofPublisher] = await Promise.all([gateway.usage(), redis.usage(), publisher.usage()]);
  return { gatewayMs: ofGateway.cpuMs, redisMs: ofRedis.cpuMs, publisherMs: ofPublisher.cpuMs };
}

function difference(before: Cost, after: Cost): Cost {
  return {
    gatewayMs: after.gatewayMs - before.gatewayMs,
    redisMs: after.redisMs - before.redisMs,
    publisherMs: after.publisherMs - before.publisherMs,
  };
}

function merge(windows: readonly Window[]): Window {
  const sum = (of: (window: Window) => number): number => windows.reduce((total, window) => total + of(window), 0);
  return {
    sent: sum(({ sent }) => sent),
    latencies: windows.flatMap(({ latencies }) => latencies),
    gatewayMs: sum(({ gatewayMs }) => gatewayMs),
    redisMs: sum(({ redisMs }) => redisMs),
    publisherMs: sum(({ publisherMs }) => publisherMs),
  };
}

function rowsOf(kind: string, ours: Window, bare: Window): Row[] {
  const of = (figure: (window: Window, spread: Spread) => number) => ({
    ours: figure(ours, spreadOf(ours.latencies)),
    bare: figure(bare, spreadOf(bare.latencies)),
  });
  const perDelivery = (cost: keyof Cost) => of((window, { count }) => (window[cost] * 1000) / count);
  return [
    { what: `${kind}: sent and not received`, unit: '', ...of(({ sent }, { count }) => sent - count) },
    { what: `${kind}: change to viewer, p50`, unit: 'ms', ...of((_, { p50 }) => p50) },
    { what: `${kind}: change to viewer, p99`, unit: 'ms', ...of((_, { p99 }) => p99) },
    { what: `${kind}: change to viewer, max`, unit: 'ms', ...of((_, { max }) => max) },
    { what: `${kind}: gateway CPU per delivery`, unit: 'µs', ...perDelivery('gatewayMs') },
    { what: `${kind}: Redis CPU per delivery`, unit: 'µs', ...perDelivery('redisMs') },
    { what: `${kind}: publisher CPU per delivery`, unit: 'µs', ...perDelivery('publisherMs') },
  ];
}

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}
