/**
 * `masters`: what does Redis use for one poll and for one delivered state, on one Redis and on
 * clusters of 1, 2 and 3 masters? And how evenly do the masters share the work? One set-up is loaded
 * at a time, in rounds, so that other load on the machine affects all alike.
 *
 * A server that does little at a time uses more for each unit, cluster or not: it wakes and writes
 * its file for fewer commands. So a cluster of N is compared with one Redis of the same load, and
 * with one that has the load of one of its masters.
 */

import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { type MeteredCluster, openMeteredCluster } from './metered-cluster.ts';
import { openMeteredRedis } from './metered-redis.ts';
import { until } from './pace.ts';
import type { BenchResult, Row, Target } from './result.ts';
import { openRoleFor, type Role } from './role.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { ProviderMethods } from './roles/provider.ts';
import type { PublisherMethods } from './roles/publisher.ts';
import type { ViewersMethods } from './roles/viewers.ts';
import type { WorkerMethods } from './roles/worker.ts';
import { seedSessions } from './seed.ts';
import { createSystem, GATEWAY_FLAGS, INTERVAL_MS, TENANT, WORKER_FLAGS } from './system.ts';

const MASTERS = [1, 2, 3] as const;
const ROUNDS = 2;
const WARM_UP_SECONDS = 2;
const SETTLE_MS = 1_000;
const IDLE_MS = 3_000;
const TARGET_RATIO = 1.1;
/** There is no worker. */
const NEVER_ASKED = 'http://127.0.0.1:1';

/** CPU of each server, ms, and the work that it was for. */
interface Use {
  readonly servers: readonly number[];
  readonly units: number;
}

interface Measured {
  readonly poll: Use;
  readonly state: Use;
  /** The units are seconds. */
  readonly idle: Use;
}

interface SetUp {
  /** 0: one Redis. */
  readonly masters: number;
  /** How much of the load it gets: one part of so many. */
  readonly of: number;
}

const SET_UPS: readonly SetUp[] = [
  { masters: 0, of: 1 },
  ...MASTERS.flatMap((masters) => [{ masters, of: 1 }, ...(masters > 1 ? [{ masters: 0, of: masters }] : [])]),
];
const nameOf = ({ masters, of }: SetUp): string =>
  masters > 0 ? `a cluster of ${masters}` : of === 1 ? 'one Redis' : `one Redis with 1/${of} of the load`;

type Progress = (text: string) => void;

export async function runMasters(config: BenchConfig, path: string, releasers: Releasers, progress: Progress): Promise<BenchResult> {
  const provider = await openRoleFor<ProviderMethods>(releasers, 'provider');
  const { url } = await provider.call('start', config.answerMs);
  const found = new Map<string, Measured[]>();
  for (let round = 1; round <= ROUNDS; round++) {
    for (const setUp of SET_UPS) {
      const { masters, of } = setUp;
      const load = {
        ...config,
        instances: Math.round(config.instances / of),
        sessions: Math.round(config.sessions / of),
        rate: config.rate / of,
      };
      progress(`masters: ${nameOf(setUp)}, round ${round} of ${ROUNDS}`);
      const own = createReleasers();
      releasers.push('servers', () => own.release());
      try {
        const { state, idle } = await measureStates(load, await openServers(masters, path, own), own);
        const poll = await measurePolls(load, await openServers(masters, path, own), own, provider, url);
        found.set(nameOf(setUp), [...(found.get(nameOf(setUp)) ?? []), { state, idle, poll }]);
      } finally {
        await own.release();
      }
    }
  }
  return report(config, new Map([...found].map(([name, rounds]) => [name, merge(rounds)])));
}

async function openServers(masters: number, path: string, own: Releasers): Promise<MeteredCluster> {
  if (masters > 0) return openMeteredCluster(masters, path, own);
  const redis = await openMeteredRedis(path);
  own.push('redis', () => redis.close());
  return { url: redis.url, cpuMs: async () => [(await redis.usage()).cpuMs] };
}

async function measureStates(config: BenchConfig, servers: MeteredCluster, own: Releasers): Promise<Omit<Measured, 'poll'>> {
  const system = createSystem(servers.url);
  const gateway = await openRoleFor<GatewayMethods>(own, 'gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const publisher = await openRoleFor<PublisherMethods>(own, 'publisher');
  const { url } = await gateway.call('start', system);
  const tickets = await publisher.call('start', system, config.sessions, NEVER_ASKED);
  const viewers = await openRoleFor<ViewersMethods>(own, 'viewers');
  await viewers.call('connect', url, tickets);
  const publish = (seconds: number): Promise<number> => publisher.call('publish', config.rate, seconds, false).then(({ length }) => length);
  await publish(WARM_UP_SECONDS);
  await until(Date.now() + SETTLE_MS);
  const idle = await during(servers, () => until(Date.now() + IDLE_MS).then(() => IDLE_MS / 1_000));
  await viewers.call('take');
  const state = await during(servers, async () => {
    await publish(config.seconds / 2);
    await until(Date.now() + SETTLE_MS);
    return viewers.call('received');
  });
  for (const role of [viewers, publisher, gateway]) await role.close();
  return { idle, state };
}

async function measurePolls(
  config: BenchConfig,
  servers: MeteredCluster,
  own: Releasers,
  provider: Role<ProviderMethods>,
  upstream: string,
): Promise<Use> {
  const system = createSystem(servers.url);
  const { firstAt } = await seedSessions(system, { count: config.instances, from: 0, upstream, tenantId: TENANT });
  const worker = await openRoleFor<WorkerMethods>(own, 'worker', { ...config, nodeFlags: WORKER_FLAGS });
  await worker.call('start', system, [upstream]);
  await until(firstAt + INTERVAL_MS + SETTLE_MS);
  await provider.call('asked');
  const use = await during(servers, async () => {
    await until(Date.now() + (config.seconds / 2) * 1_000);
    return (await provider.call('asked')).requests;
  });
  await worker.close();
  return use;
}

async function during(servers: MeteredCluster, work: () => Promise<number>): Promise<Use> {
  const before = await servers.cpuMs();
  const units = await work();
  const after = await servers.cpuMs();
  return { servers: after.map((ms, i) => ms - (before[i] ?? 0)), units };
}

function merge(rounds: readonly Measured[]): Measured {
  const of = (kind: keyof Measured): Use =>
    rounds
      .map((round) => round[kind])
      .reduce((one, next) => ({
        servers: one.servers.map((ms, i) => ms + (next.servers[i] ?? 0)),
        units: one.units + next.units,
      }));
  return { poll: of('poll'), state: of('state'), idle: of('idle') };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const usPerUnit = ({ servers, units }: Use): number => (sum(servers) * 1_000) / units;
/** Of all work, in percent. */
const busiest = ({ servers }: Use): number => (Math.max(...servers) / sum(servers)) * 100;

function report(config: BenchConfig, found: ReadonlyMap<string, Measured>): BenchResult {
  const measured = (masters: number, of = 1): Measured => {
    const use = found.get(nameOf({ masters, of }));
    if (use === undefined) throw new Error(`not measured: ${nameOf({ masters, of })}`);
    return use;
  };
  const one = measured(0);
  const rows: Row[] = [];
  const targets: Target[] = [];
  for (const masters of MASTERS) {
    const many = measured(masters);
    for (const kind of ['poll', 'state'] as const) {
      for (const of of new Set([1, masters])) {
        const what = `${masters} masters: CPU of all per ${kind}${of === 1 ? '' : `, one Redis with 1/${of}`}`;
        const other = usPerUnit(measured(0, of)[kind]);
        rows.push({ what, unit: 'µs', ours: usPerUnit(many[kind]), others: [other] });
        targets.push({ what, measured: usPerUnit(many[kind]) / other, unit: '× one Redis', most: TARGET_RATIO });
      }
      rows.push({ what: `${masters} masters: share of the busiest, per ${kind}`, unit: '%', ours: busiest(many[kind]), others: [] });
    }
    const idle = `${masters} masters: CPU of all while nothing changes`;
    rows.push({
      what: idle,
      unit: 'ms/s',
      ours: sum(many.idle.servers) / many.idle.units,
      others: [sum(one.idle.servers) / one.idle.units],
    });
  }
  return {
    title: `masters: ${config.instances} waiting sessions every ${INTERVAL_MS / 1_000} s; ${config.sessions} viewers, ${config.rate} states/s`,
    columns: ['cluster', 'one Redis'],
    rows,
    targets,
    notes: ['no replicas; each server writes an append-only file'],
  };
}
