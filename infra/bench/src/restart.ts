/**
 * `restart`: one of two gateways is stopped, as in a rolling update, and started again. How long are
 * its viewers away, and does each of them come back? They follow PROTOCOL.md: the gateway's hint and
 * full jitter, and another gateway at each attempt, as a load balancer gives it.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { monotonicMs, spreadOf } from './measure.ts';
import { openMeteredRedis } from './metered-redis.ts';
import { until } from './pace.ts';
import type { BenchResult } from './result.ts';
import { openRoleFor } from './role.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { PublisherMethods } from './roles/publisher.ts';
import type { ReturningViewersMethods } from './roles/returning-viewers.ts';
import { createSystem, GATEWAY_FLAGS } from './system.ts';

const VIEWERS_PER_SESSION = 10;
const CODE_EVERY_S = 10;
const WARM_UP_MS = 5_000;
/** As operators set it by default. */
const DRAIN_MS = 25_000;
const BACK_WITHIN_MS = 60_000;
const TARGET_P95_MS = 6_000;
/** There is no worker. */
const NEVER_ASKED = 'http://127.0.0.1:1';

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one run, step by step.
export async function runRestart(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  const redis = await openMeteredRedis(path);
  releasers.push('redis', () => redis.close());
  const system = createSystem(redis.url);
  const flags = { ...config, nodeFlags: GATEWAY_FLAGS };
  const stopped = await openRoleFor<GatewayMethods>(releasers, 'gateway', flags);
  const kept = await openRoleFor<GatewayMethods>(releasers, 'gateway', { ...flags, profileFolder: null });
  const publisher = await openRoleFor<PublisherMethods>(releasers, 'publisher');
  const viewers = await openRoleFor<ReturningViewersMethods>(releasers, 'returning-viewers');
  const sessions = Math.ceil(config.restart / VIEWERS_PER_SESSION);

  progress(`restart: ${config.restart} viewers of ${sessions} sessions at two gateways`);
  const first = await stopped.call('start', system);
  const second = await kept.call('start', system);
  const tickets = await publisher.call('start', system, sessions, NEVER_ASKED);
  await viewers.call('connect', [first.url, second.url], tickets, config.restart, null);
  const codes = publisher.call('publish', sessions / CODE_EVERY_S, (WARM_UP_MS + DRAIN_MS) / 1_000, false);
  await until(Date.now() + WARM_UP_MS);

  progress('restart: stopping one of them, and starting it again');
  const stopAt = monotonicMs();
  await stopped.call('stop', DRAIN_MS);
  const drainedMs = monotonicMs() - stopAt;
  await stopped.close();
  const again = await openRoleFor<GatewayMethods>(releasers, 'gateway', { ...flags, profileFolder: null });
  await again.call('start', system, Number(new URL(first.url).port));
  const missing = await viewers.call('missing', 'joined', BACK_WITHIN_MS);
  await codes;
  const logins = await publisher.call('link');
  const unlinked = await viewers.call('missing', 'connected', BACK_WITHIN_MS);

  const returns = await viewers.call('returns');
  const away = spreadOf(returns.map(({ lostAt, joinedAt }) => joinedAt - lostAt));
  const p95 = p95Of(returns.map(({ lostAt, joinedAt }) => joinedAt - lostAt));
  const { back, late, versions } = await viewers.call('ending');
  const latest = new Map(logins.map(([index, version]) => [index, version]));
  const behind = versions.filter((version, viewer) => version !== latest.get(viewer % sessions)).length;
  const row = (what: string, unit: string, ours: number) => ({ what, unit, ours, others: [] });
  return {
    title: `restart: ${config.restart} viewers of ${sessions} sessions at two gateways, of which one is restarted`,
    columns: ['qrcast', ''],
    rows: [
      row('viewers sent away', '', away.count),
      row('until the gateway had stopped', 'ms', drainedMs),
      row('lost to subscribed again, p50', 'ms', away.p50),
      row('lost to subscribed again, p95', 'ms', p95),
      row('lost to subscribed again, max', 'ms', away.max),
      row('viewers that never came back', '', missing),
      row('viewers never told connected', '', unlinked),
      row('viewers not on the latest version', '', behind),
      row('older versions told, or codes after connected', '', back + late),
    ],
    targets: [
      { what: 'lost to subscribed again, p95', measured: p95, unit: 'ms', most: TARGET_P95_MS },
      { what: 'never back, behind, back or late', measured: missing + unlinked + behind + back + late, unit: 'viewers', most: 1 },
    ],
    notes: [],
  };
}

function p95Of(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(0.95 * sorted.length) - 1] ?? Number.NaN;
}
