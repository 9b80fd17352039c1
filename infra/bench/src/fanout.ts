/**
 * `fanout`: one session with thousands of viewers on one gateway, over plain WebSockets. How soon
 * does each see a change, and what does a delivery cost? The rounds of both sides alternate.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { type Spread, spreadOf } from './measure.ts';
import { openBare, openOurs, type Side } from './relay.ts';
import type { BenchResult } from './report.ts';

const ROUNDS = 3;
const STATES_PER_SECOND = 2;
const WARM_UP_SECONDS = 2;
const LAST_WITHIN_MS = 3_000;
/** Of the figures of the bare loop. */
const TARGET_CPU = 1.15;
const TARGET_P99 = 1.5;

interface Round {
  readonly gatewayMs: number;
  readonly missed: number;
  readonly latencies: readonly number[];
}

export async function runFanout(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  const one = { ...config, sessions: 1 };
  progress(`fanout: ${config.viewers} viewers on each side`);
  const ours = await openOurs(one, path, releasers, 'WebSocket', config.viewers);
  const bare = await openBare(one, path, releasers, 'WebSocket', config.viewers);
  const rounds = { ours: [] as Round[], bare: [] as Round[] };
  for (const side of [ours, bare]) await load(side, config.viewers, WARM_UP_SECONDS);
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`fanout: round ${round} of ${ROUNDS}`);
    rounds.ours.push(await load(ours, config.viewers, config.seconds / ROUNDS));
    rounds.bare.push(await load(bare, config.viewers, config.seconds / ROUNDS));
  }
  return report(config, rounds);
}

async function load({ viewers, gateway, publisher }: Side, count: number, seconds: number): Promise<Round> {
  await viewers.call('take');
  const before = await gateway.usage();
  const sent = await publisher.publish(STATES_PER_SECOND, seconds, false);
  const all = sent.length * count;
  for (const end = Date.now() + LAST_WITHIN_MS; Date.now() < end && (await viewers.call('received')) < all; ) await soon();
  const { cpuMs } = await gateway.usage();
  const sentAt = new Map(sent.map(([, version, atMs]) => [version, atMs]));
  const received = await viewers.call('take');
  const latencies = received.flatMap(([, version, atMs]) => {
    const from = sentAt.get(version);
    return from === undefined ? [] : [atMs - from];
  });
  return { gatewayMs: cpuMs - before.cpuMs, missed: all - latencies.length, latencies };
}

function report({ viewers }: BenchConfig, rounds: Readonly<Record<'ours' | 'bare', readonly Round[]>>): BenchResult {
  const sum = (of: readonly Round[], figure: (round: Round) => number): number => of.reduce((total, round) => total + figure(round), 0);
  const row = (what: string, unit: string, figure: (of: readonly Round[], spread: Spread) => number) => {
    const [ours, bare] = [rounds.ours, rounds.bare].map((of) => figure(of, spreadOf(of.flatMap(({ latencies }) => latencies))));
    return { what, unit, ours: ours ?? Number.NaN, bare: bare ?? Number.NaN };
  };
  const cpu = row('gateway CPU per delivery', 'µs', (of, { count }) => (sum(of, ({ gatewayMs }) => gatewayMs) * 1000) / count);
  const p99 = row('change to viewer, p99', 'ms', (_, spread) => spread.p99);
  return {
    title: `fanout: 1 session, ${viewers} viewers over WebSocket, 1 gateway, ${STATES_PER_SECOND} states/s, picture of 5 kB`,
    rows: [
      row('sent and not received', '', (of) => sum(of, ({ missed }) => missed)),
      row('change to viewer, p50', 'ms', (_, spread) => spread.p50),
      p99,
      row('change to viewer, max', 'ms', (_, spread) => spread.max),
      cpu,
    ],
    targets: [
      { what: cpu.what, measured: cpu.ours / cpu.bare, unit: '× bare', below: TARGET_CPU },
      { what: p99.what, measured: p99.ours / p99.bare, unit: '× bare', below: TARGET_P99 },
    ],
    notes: [],
  };
}

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}
