/**
 * `fanout`: one session with thousands of viewers on one gateway, over plain WebSockets. How soon
 * does each see a change, and what does a delivery cost?
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { CHANGE_FIGURES } from './deliveries.ts';
import { spreadOf } from './measure.ts';
import { soon } from './pace.ts';
import { type BenchResult, medianOf, type Row, ratiosOf } from './result.ts';
import { rivalsOver } from './rival-sides.ts';
import { compare } from './rounds.ts';
import { openOurs, type Side, type SideOptions } from './sides.ts';

const STATES_PER_SECOND = 2;
const WARM_UP_SECONDS = 8;
const LAST_WITHIN_MS = 3_000;
const FIGURES = {
  ...CHANGE_FIGURES,
  stall: { what: 'longest time that the gateway was deaf', unit: 'ms' },
} as const;
/** Of the figures of the bare loop. */
const TARGETS = { gateway: 1.15, p99: 1.5 } as const;
const TARGET_STALL_MS = 20;

export async function runFanout(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  const { rivals, notes } = rivalsOver('WebSocket', path);
  const sides = await openFanoutSides(config, path, releasers, progress, [openOurs, ...rivals]);
  const rows = await compare({
    rounds: config.rounds,
    contenders: sides.map((side) => ({
      name: side.name,
      measure: () => measureFanout(side, config.viewers, config.seconds / config.rounds),
    })),
    figures: FIGURES,
    progress,
  });
  return {
    title: `fanout: 1 session, ${config.viewers} viewers over WebSocket, 1 gateway, ${STATES_PER_SECOND} states/s, picture of 5 kB`,
    columns: sides.map(({ name }) => name),
    rows,
    targets: targetsOf(rows),
    notes,
  };
}

/** Opens each side with its one session, and warms it up. */
export async function openFanoutSides(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
  opens: readonly ((options: SideOptions) => Promise<Side>)[],
): Promise<readonly Side[]> {
  const options = { config: { ...config, sessions: 1 }, path, releasers, over: 'WebSocket', viewersEach: config.viewers } as const;
  const sides: Side[] = [];
  for (const open of opens) {
    progress(`side ${sides.length + 1}, ${config.viewers} viewers`);
    const side = await open(options);
    sides.push(side);
    await measureFanout(side, config.viewers, WARM_UP_SECONDS);
  }
  return sides;
}

/** @returns what the viewers of the one session and its gateway needed for some seconds of changes */
export async function measureFanout(
  { viewers, gateway, publisher }: Side,
  count: number,
  seconds: number,
): Promise<Partial<Record<keyof typeof FIGURES, number>>> {
  await viewers.call('take');
  await gateway.stallMs?.();
  const before = [await gateway.usage(), await viewers.usage()] as const;
  const sent = await publisher.publish(STATES_PER_SECOND, seconds, false);
  const all = sent.length * count;
  for (const end = Date.now() + LAST_WITHIN_MS; Date.now() < end && (await viewers.call('received')) < all; ) await soon();
  const after = [await gateway.usage(), await viewers.usage()] as const;
  const sentAt = new Map(sent.map(([, version, atMs]) => [version, atMs]));
  const received = await viewers.call('take');
  const latencies = received.flatMap(([, version, atMs]) => {
    const from = sentAt.get(version);
    return from === undefined ? [] : [atMs - from];
  });
  const each = (role: 0 | 1): number => ((after[role].cpuMs - before[role].cpuMs) * 1_000) / latencies.length;
  const { p50, p99, max } = spreadOf(latencies);
  const stall = await gateway.stallMs?.();
  const figures = { missed: all - latencies.length, p50, p99, max, gateway: each(0), viewers: each(1) };
  return stall === undefined ? figures : { ...figures, stall };
}

function targetsOf(rows: readonly Row[]): BenchResult['targets'] {
  const of = (figure: keyof typeof FIGURES): Row | undefined => rows.find(({ what }) => what === FIGURES[figure].what);
  const ratio = (figure: keyof typeof TARGETS) => {
    const row = of(figure);
    const measured = row === undefined ? Number.NaN : medianOf(ratiosOf(row.ours, row.others[0] ?? null));
    return { what: FIGURES[figure].what, measured, unit: '× bare', most: TARGETS[figure] };
  };
  const stall = { what: FIGURES.stall.what, measured: medianOf(of('stall')?.ours ?? Number.NaN), unit: 'ms', most: TARGET_STALL_MS };
  return [ratio('gateway'), ratio('p99'), stall];
}
