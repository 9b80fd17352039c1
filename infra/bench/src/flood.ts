/**
 * `flood`: 1,000 requests that send their bytes slowly and never end, and thousands of handshakes
 * with a forged ticket. How long do the pushes of another tenant take beside them, and alone? All
 * share one gateway and one Redis. The flood comes from other addresses than the viewers. Rounds
 * with and without the flood alternate, so that other load on the machine affects both alike.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { latencies } from './deliveries.ts';
import { type Spread, spreadOf } from './measure.ts';
import { openMeteredRedis } from './metered-redis.ts';
import { until } from './pace.ts';
import type { BenchResult } from './result.ts';
import { openRoleFor } from './role.ts';
import type { FloodMethods, Shaken } from './roles/flood.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { PublisherMethods } from './roles/publisher.ts';
import type { ViewersMethods } from './roles/viewers.ts';
import { createSystem, GATEWAY_FLAGS } from './system.ts';

const WATCHED = 100;
const CHANGES_PER_SECOND = 200;
const HALF_OPEN = 1_000;
const ROUNDS = 4;
const WARM_UP_SECONDS = 3;
const LAST_WITHIN_MS = 500;
const TARGET_RATIO = 2;
/** There is no worker. */
const NEVER_ASKED = 'http://127.0.0.1:1';

interface Window {
  readonly sent: number;
  readonly latencies: readonly number[];
  readonly ms: number;
  readonly gatewayMs: number;
}

interface Measured {
  readonly sent: number;
  readonly pushes: Spread;
  readonly gatewayShare: number;
}

export async function runFlood(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  const redis = await openMeteredRedis(path);
  releasers.push('redis', () => redis.close());
  const system = createSystem(redis.url);
  const gateway = await openRoleFor<GatewayMethods>(releasers, 'gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const publisher = await openRoleFor<PublisherMethods>(releasers, 'publisher');
  const viewers = await openRoleFor<ViewersMethods>(releasers, 'viewers');
  const flood = await openRoleFor<FloodMethods>(releasers, 'flood');

  progress(`flood: ${WATCHED} sessions and viewers`);
  const { url } = await gateway.call('start', system);
  const tickets = await publisher.call('start', system, WATCHED, NEVER_ASKED);
  await viewers.call('connect', url, tickets);
  await publisher.call('publish', CHANGES_PER_SECOND, WARM_UP_SECONDS, false);

  const seconds = config.seconds / ROUNDS;
  async function measure(): Promise<Window> {
    await viewers.call('take');
    const [startedAt, before] = [performance.now(), await gateway.usage()];
    const sent = await publisher.call('publish', CHANGES_PER_SECOND, seconds, false);
    const [ms, after] = [performance.now() - startedAt, await gateway.usage()];
    await until(Date.now() + LAST_WITHIN_MS);
    return { sent: sent.length, latencies: latencies(sent, await viewers.call('take')), ms, gatewayMs: after.cpuMs - before.cpuMs };
  }

  const forged = forge(tickets[0] ?? '');
  const [alone, beside, shaken]: [Window[], Window[], Shaken[]] = [[], [], []];
  let cut = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`flood: alone, then beside ${HALF_OPEN} half-open requests and ${config.flood / ROUNDS} handshakes, ${round} of ${ROUNDS}`);
    alone.push(await measure());
    await flood.call('start', url, HALF_OPEN);
    const handshakes = flood.call('shake', forged, config.flood / config.seconds, seconds);
    beside.push(await measure());
    shaken.push(await handshakes);
    cut += await flood.call('stop');
  }
  return report(config, measuredOf(alone), measuredOf(beside), shaken, cut);
}

function measuredOf(windows: readonly Window[]): Measured {
  return {
    sent: total(windows, ({ sent }) => sent),
    pushes: spreadOf(windows.flatMap(({ latencies }) => latencies)),
    gatewayShare: (total(windows, ({ gatewayMs }) => gatewayMs) / total(windows, ({ ms }) => ms)) * 100,
  };
}

/** @returns a copy of the ticket with a wrong signature. Whoever has seen a ticket can make one. */
function forge(ticket: string): string {
  const dot = ticket.lastIndexOf('.') + 1;
  return ticket.slice(0, dot) + 'A'.repeat(ticket.length - dot);
}

function report({ flood, seconds }: BenchConfig, alone: Measured, beside: Measured, shaken: readonly Shaken[], cut: number): BenchResult {
  const row = (what: string, unit: string, of: (measured: Measured) => number) => ({ what, unit, ours: of(beside), others: [of(alone)] });
  return {
    title: `flood: ${WATCHED} viewers and ${CHANGES_PER_SECOND} changes/s, beside ${HALF_OPEN} half-open requests and ${flood} handshakes in ${seconds} s`,
    columns: ['beside', 'alone'],
    rows: [
      row('sent and not received', '', ({ sent, pushes }) => sent - pushes.count),
      row('change to viewer, p50', 'ms', ({ pushes }) => pushes.p50),
      row('change to viewer, p99', 'ms', ({ pushes }) => pushes.p99),
      row('change to viewer, max', 'ms', ({ pushes }) => pushes.max),
      row('gateway CPU', '% of a core', ({ gatewayShare }) => gatewayShare),
      { what: 'handshakes refused in words', unit: '', ours: total(shaken, ({ refused }) => refused), others: [] },
      { what: 'handshakes not taken', unit: '', ours: total(shaken, ({ failed }) => failed), others: [] },
      { what: 'half-open requests cut', unit: '', ours: cut, others: [] },
    ],
    targets: [
      { what: 'change to viewer p99, beside by alone', measured: beside.pushes.p99 / alone.pushes.p99, unit: 'times', most: TARGET_RATIO },
    ],
    notes: [],
  };
}

function total<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((sum, one) => sum + of(one), 0);
}
