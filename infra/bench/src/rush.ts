/**
 * `rush`: after an outage thousands of viewers connect to one gateway at once. How soon do they
 * have their state, how many handshakes are too late, and how long do pushes to those that are
 * connected take meanwhile? With the gateway's bound of connects a second, and without it.
 */

import { SETTINGS } from '@qrcast/runtime/process/settings-table';
import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { latencies } from './deliveries.ts';
import { type Spread, spreadOf } from './measure.ts';
import { openMeteredRedis } from './metered-redis.ts';
import { until } from './pace.ts';
import type { BenchResult } from './result.ts';
import { openRoleFor } from './role.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { PublisherMethods } from './roles/publisher.ts';
import type { Returned, RushMethods } from './roles/rush.ts';
import type { ViewersMethods } from './roles/viewers.ts';
import { createSystem, GATEWAY_FLAGS } from './system.ts';

/** Connected before the rush, and how many changes a second they get together. */
const WATCHED = 100;
const CHANGES_PER_SECOND = 100;
const LAST_WITHIN_MS = 500;
/** There is no worker. */
const NEVER_ASKED = 'http://127.0.0.1:1';
const PER_SECOND = SETTINGS.QRCAST_CONNECTS_PER_SECOND.schema.parse(undefined);
const TARGET_BACK_MS = 6_000;

interface Measured {
  readonly back: Spread;
  readonly p95: number;
  readonly returned: Returned;
  readonly pushes: Spread;
  readonly cpuPerViewerMs: number;
}

type Progress = (text: string) => void;

export async function runRush(config: BenchConfig, path: string, releasers: Releasers, progress: Progress): Promise<BenchResult> {
  const measure = async (perSecond: number | undefined): Promise<Measured> => {
    progress(`rush: ${config.rush} viewers at once, ${perSecond ?? 'any number'} a second`);
    return runOnce(config, path, releasers, perSecond);
  };
  const unbounded = await measure(undefined);
  return report(config, await measure(PER_SECOND), unbounded);
}

async function runOnce(config: BenchConfig, path: string, releasers: Releasers, perSecond: number | undefined): Promise<Measured> {
  const redis = await openMeteredRedis(path);
  releasers.push('redis', () => redis.close());
  const system = createSystem(redis.url);
  const gateway = await openRoleFor<GatewayMethods>(releasers, 'gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const publisher = await openRoleFor<PublisherMethods>(releasers, 'publisher');
  const viewers = await openRoleFor<ViewersMethods>(releasers, 'viewers');
  const rush = await openRoleFor<RushMethods>(releasers, 'rush');
  const { url } = await gateway.call('start', system, 0, perSecond);
  const tickets = await publisher.call('start', system, WATCHED + config.rush, NEVER_ASKED);
  await viewers.call('connect', url, tickets.slice(0, WATCHED));
  await until(Date.now() + LAST_WITHIN_MS);
  await viewers.call('take');

  const before = await gateway.usage();
  const publishing = publisher.call('publish', CHANGES_PER_SECOND, config.seconds / 2, false, WATCHED);
  const returned = await rush.call('burst', url, tickets.slice(WATCHED));
  const cpuMs = (await gateway.usage()).cpuMs - before.cpuMs;
  const sent = await publishing;
  await until(Date.now() + LAST_WITHIN_MS);
  const pushes = spreadOf(latencies(sent, await viewers.call('take')));
  for (const role of [rush, viewers, publisher, gateway]) await role.close();
  const sorted = returned.afterMs.toSorted((a, b) => a - b);
  const p95 = sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN;
  return { back: spreadOf(returned.afterMs), p95, returned, pushes, cpuPerViewerMs: cpuMs / config.rush };
}

function report({ rush }: BenchConfig, bounded: Measured, unbounded: Measured): BenchResult {
  const row = (what: string, unit: string, of: (measured: Measured) => number) => ({
    what,
    unit,
    ours: of(bounded),
    others: [of(unbounded)],
  });
  return {
    title: `rush: ${rush} viewers connect at once, beside ${WATCHED} connected ones and ${CHANGES_PER_SECOND} changes/s; ${PER_SECOND} connects a second`,
    columns: ['bounded', 'unbounded'],
    rows: [
      row('back with a state, p50', 'ms', ({ back }) => back.p50),
      row('back with a state, p95', 'ms', ({ p95 }) => p95),
      row('back with a state, max', 'ms', ({ back }) => back.max),
      row('handshakes refused with a hint', '', ({ returned }) => returned.refused),
      row('handshakes too late or cut', '', ({ returned }) => returned.failed),
      row('change to connected viewer, p50', 'ms', ({ pushes }) => pushes.p50),
      row('change to connected viewer, p99', 'ms', ({ pushes }) => pushes.p99),
      row('change to connected viewer, max', 'ms', ({ pushes }) => pushes.max),
      row('gateway CPU per viewer', 'ms', ({ cpuPerViewerMs }) => cpuPerViewerMs),
    ],
    targets: [{ what: 'back with a state, p95', measured: bounded.p95, unit: 'ms', most: TARGET_BACK_MS }],
    notes: [],
  };
}
