/**
 * `relay`, over Socket.IO, and `relay-ws`, over plain WebSockets: how long a change takes to reach
 * the viewer, and what that costs. Each session has one viewer. Changes come at a fixed rate: whole
 * states with a new picture (`state`), and confirmations of the same code (`fresh`).
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { CHANGE_FIGURES, latencies } from './deliveries.ts';
import { spreadOf } from './measure.ts';
import { soon, until } from './pace.ts';
import { type BenchResult, medianOf, type Row, ratiosOf, type Target } from './result.ts';
import { rivalsOver } from './rival-sides.ts';
import { compare, type FigureSpec } from './rounds.ts';
import { openOurs, type Side } from './sides.ts';
import type { Over } from './viewer-socket.ts';

/** Until the compiler has done its work, a state costs twice as much. */
const WARM_UP_SECONDS = 8;
/** As long as it takes every gateway to ping each of its viewers once. */
const IDLE_SECONDS = 25;
/** A message that takes longer was lost, or a newer state overtook it. */
const LAST_WITHIN_MS = 2_000;
const TARGET_P99_MS = 15;
/** CPU of the gateway per delivered state, as a share of each rival's. */
const TARGETS: Readonly<Record<Over, Readonly<Record<string, number>>>> = {
  'Socket.IO': { stock: 0.8 },
  WebSocket: { bare: 1.3, nchan: 1 },
};

const KINDS = ['state', 'fresh'] as const;
const FIGURES = {
  ...CHANGE_FIGURES,
  redis: { what: 'Redis CPU per delivery', unit: 'µs' },
  publisher: { what: 'publisher CPU per delivery', unit: 'µs' },
} as const;

type Figure = keyof typeof FIGURES;
type Key = `${(typeof KINDS)[number]} ${Figure}`;
type Progress = (text: string) => void;

export const runRelay = (config: BenchConfig, path: string, releasers: Releasers, progress: Progress): Promise<BenchResult> =>
  measureRelay(config, path, releasers, progress, 'Socket.IO');
export const runRelayWs = (config: BenchConfig, path: string, releasers: Releasers, progress: Progress): Promise<BenchResult> =>
  measureRelay(config, path, releasers, progress, 'WebSocket');

async function measureRelay(config: BenchConfig, path: string, releasers: Releasers, progress: Progress, over: Over): Promise<BenchResult> {
  const options = { config, path, releasers, over };
  const { rivals, notes } = rivalsOver(over, path);
  const sides: Side[] = [];
  for (const open of [openOurs, ...rivals]) {
    progress(`relay over ${over}: side ${sides.length + 1}, ${config.sessions} sessions with a viewer each`);
    const side = await open(options);
    sides.push(side);
    for (const kind of KINDS) await load(side, config.rate, WARM_UP_SECONDS, kind);
  }
  const idle = await Promise.all(sides.map(idleShare));
  const rows = await compare({
    rounds: config.rounds,
    contenders: sides.map((side) => ({ name: side.name, measure: () => measureRound(side, config) })),
    figures: figuresOf(KINDS),
    progress,
  });
  const rss = await Promise.all(sides.map(async ({ gateway }) => (await gateway.usage()).rssBytes / 1e6));
  return {
    title: `relay over ${over}: ${config.sessions} sessions, 1 viewer each, 1 gateway, ${config.rate} changes/s, picture of 5 kB`,
    columns: sides.map(({ name }) => name),
    rows: [...rows, single('gateway RSS', 'MB', rss), single('gateway CPU while nothing changes', '% of a core', idle)],
    targets: targetsOf(rows, sides, over, config),
    notes,
  };
}

function figuresOf(kinds: typeof KINDS): Record<Key, FigureSpec> {
  const entries = kinds.flatMap((kind) =>
    Object.entries(FIGURES).map(([figure, spec]) => [`${kind} ${figure}`, { ...spec, what: `${kind}: ${spec.what}` }]),
  );
  return Object.fromEntries(entries) as Record<Key, FigureSpec>; // fromEntries forgets the names
}

async function measureRound(side: Side, { rate, seconds, rounds }: BenchConfig): Promise<Partial<Record<Key, number>>> {
  const measured: Partial<Record<Key, number>> = {};
  for (const kind of KINDS) {
    const figures = await load(side, rate, seconds / (rounds * KINDS.length), kind);
    for (const figure of Object.keys(FIGURES) as Figure[]) measured[`${kind} ${figure}`] = figures[figure];
  }
  return measured;
}

async function load(side: Side, perSecond: number, seconds: number, kind: (typeof KINDS)[number]): Promise<Record<Figure, number>> {
  await side.viewers.call('take');
  const before = await costOf(side);
  const sent = await side.publisher.publish(perSecond, seconds, kind === 'fresh');
  for (const end = Date.now() + LAST_WITHIN_MS; Date.now() < end && (await side.viewers.call('received')) < sent.length; ) await soon();
  const after = await costOf(side);
  const { count, p50, p99, max } = spreadOf(latencies(sent, await side.viewers.call('take')));
  const each = (role: keyof typeof before): number => ((after[role] - before[role]) * 1_000) / count;
  return {
    ...{ missed: sent.length - count, p50, p99, max },
    ...{ gateway: each('gateway'), redis: each('redis'), publisher: each('publisher'), viewers: each('viewers') },
  };
}

async function costOf({
  gateway,
  redis,
  publisher,
  viewers,
}: Side): Promise<Record<'gateway' | 'redis' | 'publisher' | 'viewers', number>> {
  const used = await Promise.all([gateway.usage(), redis.usage(), publisher.usage(), viewers.usage()]);
  return { gateway: used[0].cpuMs, redis: used[1].cpuMs, publisher: used[2].cpuMs, viewers: used[3].cpuMs };
}

/** In percent of a core. */
async function idleShare({ gateway }: Side): Promise<number> {
  const before = await gateway.usage();
  await until(Date.now() + IDLE_SECONDS * 1_000);
  return ((await gateway.usage()).cpuMs - before.cpuMs) / (IDLE_SECONDS * 10);
}

function targetsOf(rows: readonly Row[], sides: readonly Side[], over: Over, { sessions }: BenchConfig): readonly Target[] {
  const find = (what: string): Row | undefined => rows.find((row) => row.what === what);
  const p99 = medianOf(find('state: change to viewer, p99')?.ours ?? Number.NaN);
  const cost = find('state: gateway CPU per delivery');
  const rivals = sides.slice(1).flatMap(({ name }, place): readonly Target[] => {
    const most = TARGETS[over][name];
    if (most === undefined || cost === undefined) return [];
    return [{ what: cost.what, measured: medianOf(ratiosOf(cost.ours, cost.others[place] ?? null)), unit: `× ${name}`, most }];
  });
  return [{ what: `state p99 at ${sessions} sessions`, measured: p99, unit: 'ms', most: TARGET_P99_MS }, ...rivals];
}

function single(what: string, unit: string, [ours = Number.NaN, ...others]: readonly number[]): Row {
  return { what, unit, ours, others };
}
