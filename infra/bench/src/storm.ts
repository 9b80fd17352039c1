/**
 * `storm`: thousands of viewers lose their connections every 15 s or so, and stay away for 2 s. Each
 * session gets a code every 5 s, and at the end its login. How long does a viewer that missed a
 * code need to have the latest one? Does each of them end on the latest state, and on `connected`?
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import type { Mark } from './deliveries.ts';
import { spreadOf } from './measure.ts';
import { openMeteredRedis } from './metered-redis.ts';
import type { BenchResult } from './result.ts';
import { openRoleFor } from './role.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { PublisherMethods } from './roles/publisher.ts';
import type { Ending, Returned, ReturningViewersMethods } from './roles/returning-viewers.ts';
import { createSystem, GATEWAY_FLAGS } from './system.ts';

const VIEWERS_PER_SESSION = 10;
const CODE_EVERY_S = 5;
const CUT_EVERY_MS = 15_000;
const AWAY_MS = 2_000;
/** So that each viewer is cut twice or more. */
const LEAST_SECONDS = 45;
const END_WITHIN_MS = 60_000;
const TARGET_P99_MS = 1_000;
/** There is no worker. */
const NEVER_ASKED = 'http://127.0.0.1:1';

export async function runStorm(
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
  const viewers = await openRoleFor<ReturningViewersMethods>(releasers, 'returning-viewers');
  const sessions = Math.ceil(config.storm / VIEWERS_PER_SESSION);
  const seconds = Math.max(LEAST_SECONDS, config.seconds);

  progress(`storm: ${config.storm} viewers of ${sessions} sessions`);
  const { url } = await gateway.call('start', system);
  const tickets = await publisher.call('start', system, sessions, NEVER_ASKED);
  await viewers.call('connect', [url], tickets, config.storm, AWAY_MS);
  progress(`storm: cutting each of them every ${CUT_EVERY_MS / 1_000} s or so, for ${seconds} s`);
  const [startedAt, before] = [performance.now(), await gateway.usage()];
  const [codes] = await Promise.all([
    publisher.call('publish', sessions / CODE_EVERY_S, seconds, false),
    viewers.call('cut', CUT_EVERY_MS, seconds),
  ]);
  const [ms, after] = [performance.now() - startedAt, await gateway.usage()];
  const logins = await publisher.call('link');
  const missing = await viewers.call('missing', 'connected', END_WITHIN_MS);
  const share = ((after.cpuMs - before.cpuMs) / ms) * 100;
  return report(config, seconds, {
    codes,
    logins,
    missing,
    share,
    returns: await viewers.call('returns'),
    ending: await viewers.call('ending'),
  });
}

interface Stormed {
  readonly codes: readonly Mark[];
  readonly logins: readonly Mark[];
  /** Viewers that were not told `connected`. */
  readonly missing: number;
  /** Of a core, %. */
  readonly share: number;
  readonly returns: readonly Returned[];
  readonly ending: Ending;
}

function report(config: BenchConfig, seconds: number, { codes, logins, missing, share, returns, ending }: Stormed): BenchResult {
  const sessions = logins.length;
  const caughtUp = catchUps([...codes, ...logins], returns, sessions);
  const catchUp = spreadOf(caughtUp.filter((ms) => ms !== null));
  const joins = spreadOf(returns.map(({ connectAt, joinedAt }) => joinedAt - connectAt));
  const latest = new Map(logins.map(([index, version]) => [index, version]));
  const behind = ending.versions.filter((version, viewer) => version !== latest.get(viewer % sessions)).length;
  const row = (what: string, unit: string, ours: number) => ({ what, unit, ours, others: [] });
  return {
    title: `storm: ${config.storm} viewers of ${sessions} sessions, cut every ${CUT_EVERY_MS / 1_000} s or so for ${seconds} s, away ${AWAY_MS / 1_000} s; a code every ${CODE_EVERY_S} s, then a login`,
    columns: ['qrcast', ''],
    rows: [
      row('returns', '', returns.length),
      row('returns that had missed a code', '', caughtUp.length),
      row('connect to the latest state, p50', 'ms', catchUp.p50),
      row('connect to the latest state, p99', 'ms', catchUp.p99),
      row('connect to the latest state, max', 'ms', catchUp.max),
      row('connect to subscribed, p99', 'ms', joins.p99),
      row('gateway CPU', '% of a core', share),
      row('viewers never told connected', '', missing),
      row('viewers not on the latest version', '', behind),
      row('older versions told', '', ending.back),
      row('codes told after connected', '', ending.late),
    ],
    targets: [
      { what: 'connect to the latest state, p99', measured: catchUp.p99, unit: 'ms', most: TARGET_P99_MS },
      { what: 'lost, behind, back or late', measured: missing + behind + ending.back + ending.late, unit: 'viewers', most: 1 },
    ],
    notes: ['a viewer that was cut again before it had the latest state is not among the latencies'],
  };
}

/**
 * @returns for each return that had missed a version: from the start of the connection to the first
 * version that is at least as new as the newest before it. Null if it was cut again before.
 */
export function catchUps(sent: readonly Mark[], returns: readonly Returned[], sessions: number): readonly (number | null)[] {
  const bySession = Map.groupBy(sent, ([index]) => index);
  return returns.flatMap(({ viewer, connectAt, had, told }) => {
    const before = (bySession.get(viewer % sessions) ?? []).filter(([, , sentAt]) => sentAt < connectAt);
    const newest = Math.max(0, ...before.map(([, version]) => version));
    if (newest <= had) return [];
    const caught = told.find(([version]) => version >= newest);
    return [caught === undefined ? null : caught[1] - connectAt];
  });
}
