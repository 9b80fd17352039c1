/** Judges whether a Redis can be used: version, protocol, role, permissions, slots and clock. Pure. */

import type { Fields, Kind, Refusals } from '@qrcast/runtime/redis/server-facts';
import { OLDEST_MAJOR } from '@qrcast/runtime/redis/start-check';
import { type Finding, fault, ok, startFault, unknown, warning } from './finding.ts';

/** What was read from a Redis that answers. Null: the user may not ask. */
export interface ServerFacts {
  /** What the address in REDIS_URL names. */
  readonly kind: Kind;
  /** What is wrong with the connection although it works. */
  readonly faults: readonly string[];
  readonly hello: Fields;
  readonly info: Fields | null;
  readonly config: Fields | null;
  readonly clock: ClockFacts | null;
  /** Whether the user `default` may write our keys. */
  readonly defaultMayWrite: boolean | null;
  readonly refusals: Refusals;
  /** Whether a published message came back. Null if that was not tried. */
  readonly hasEcho: boolean | null;
  /** What is wrong with the cluster. Null if it is none, or could not be asked. */
  readonly clusterFaults: readonly string[] | null;
}

export interface ClockFacts {
  /** By how much Redis's clock is ahead of this machine's, ms. */
  readonly aheadMs: number;
  /** The error of `aheadMs` is at most this, ms. */
  readonly errorMs: number;
}

export const isSentinel = ({ hello }: Pick<ServerFacts, 'hello'>): boolean => hello.get('mode') === 'sentinel';
const isInCluster = ({ hello, info }: ServerFacts): boolean => hello.get('mode') === 'cluster' || info?.get('cluster_enabled') === '1';

export function judgeServer(facts: ServerFacts): Finding[] {
  if (isSentinel(facts)) return [judgeKind(facts)];
  return [
    ...facts.faults.map((text) => startFault(REACHABLE, text, 'correct REDIS_URL')),
    judgeVersion(facts),
    judgeProtocol(facts),
    judgeKind(facts),
    ...judgeRole(facts),
    judgeUser(facts),
    judgeWrites(facts),
    ...judgeEcho(facts),
    ...judgeSlots(facts),
    judgeClock(facts),
  ];
}

export const REACHABLE = { id: 'redis-reachable', expected: 'a Redis that answers the user in REDIS_URL' };

const VERSION = { id: 'redis-version', expected: `Redis ${OLDEST_MAJOR} or newer, or Valkey` };

function judgeVersion({ hello, info }: ServerFacts): Finding {
  const valkey = info?.get('valkey_version');
  const version = hello.get('version') ?? info?.get('redis_version');
  if (valkey !== undefined) return ok(VERSION, `Valkey ${valkey}`);
  if (version === undefined) return unknown(VERSION, 'the server tells no version', 'ask who runs it');
  if (Number.parseInt(version, 10) >= OLDEST_MAJOR) return ok(VERSION, `Redis ${version}`);
  return fault(VERSION, `Redis ${version}`, 'update the server');
}

const PROTOCOL = { id: 'redis-protocol', expected: 'RESP3' };

const judgeProtocol = ({ hello }: ServerFacts): Finding =>
  hello.get('proto') === '3'
    ? ok(PROTOCOL, 'RESP3')
    : fault(PROTOCOL, 'the server, or a proxy before it, refuses HELLO 3', 'use Redis without a proxy that speaks RESP2 only');

const KINDS = {
  server: { name: 'one server', scheme: 'redis://' },
  sentinel: { name: 'a server behind Sentinels', scheme: 'redis+sentinel://' },
  cluster: { name: 'a node of a cluster', scheme: 'redis+cluster://' },
} as const satisfies Record<Kind, { name: string; scheme: string }>;

/** Does the address say what is there? */
function judgeKind(facts: ServerFacts): Finding {
  const subject = { id: 'redis-kind', expected: `${KINDS[facts.kind].name}, as ${KINDS[facts.kind].scheme} in REDIS_URL says` };
  const write = (kind: Kind): string => `write ${KINDS[kind].scheme} in REDIS_URL; OPERATING.md shows the whole form under "Redis"`;
  if (isSentinel(facts)) return fault(subject, 'a Sentinel, which holds no data', write('sentinel'));
  if (isInCluster(facts) === (facts.kind === 'cluster')) return ok(subject, KINDS[facts.kind].name);
  return isInCluster(facts) ? fault(subject, KINDS.cluster.name, write('cluster')) : fault(subject, KINDS.server.name, write('server'));
}

const ROLE = { id: 'redis-role', expected: 'a master' };

/** Any node of a cluster is right. */
function judgeRole(facts: ServerFacts): Finding[] {
  if (isInCluster(facts)) return [];
  const { hello, info, refusals, kind } = facts;
  const isReplica = hello.get('role') === 'replica' || info?.get('role') === 'slave' || refusals.writes.includes('READONLY');
  if (!isReplica) return [ok(ROLE, 'a master')];
  const mend = kind === 'sentinel' ? 'wait for the failover; then ask `SENTINEL MASTERS`' : 'name the master in REDIS_URL';
  return [fault(ROLE, 'a replica, which refuses writes', mend)];
}

const USER = { id: 'redis-user', expected: 'a user with the rule in OPERATING.md under "Redis"' };

function judgeUser({ refusals: { commands, unknown: missing, keys, channels } }: ServerFacts): Finding {
  const rules = [...commands.map((name) => `+${name.toLowerCase().replace(' ', '|')}`), ...keys, ...channels];
  if (rules.length > 0) {
    const refused = [
      ...(commands.length > 0 ? [`may not run ${commands.join(', ')}`] : []),
      ...(keys.length > 0 ? [`may not use the keys ${keys.join(' ')}`] : []),
      ...(channels.length > 0 ? [`may not use the channels ${channels.join(' ')}`] : []),
    ];
    return fault(
      USER,
      `the user in REDIS_URL ${refused.join('; it ')}`,
      `redis-cli ACL SETUSER <the user in REDIS_URL> ${rules.join(' ')}`,
    );
  }
  if (missing.length > 0)
    return fault(USER, `the server does not know ${missing.join(', ')}`, 'use Redis as it is, without renamed commands');
  return ok(USER, 'may run every command that is needed');
}

const WRITES = { id: 'redis-writes', expected: 'a server that accepts writes' };

const WRITE_MENDS: Readonly<Record<string, string>> = {
  MISCONF: "read why it cannot save in Redis's log (a full disk, a folder without permission), and mend that",
  OOM: 'raise maxmemory, or free memory',
  NOREPLICAS: 'bring the replicas back, or lower min-replicas-to-write',
  LOADING: 'wait until Redis has loaded its data',
  MASTERDOWN: 'bring the master back',
};

function judgeWrites({ refusals: { writes } }: ServerFacts): Finding {
  const words = writes.filter((word) => word !== 'READONLY' && word !== 'CLUSTERDOWN'); // the role and the slots say it
  if (words.length > 0) {
    return fault(WRITES, `it answers ${words.join(', ')}`, words.map((word) => WRITE_MENDS[word] ?? "read Redis's log").join('; '));
  }
  return writes.length > 0 ? fault(WRITES, `it answers ${writes.join(', ')}`, 'mend its role or its slots') : ok(WRITES, 'accepts writes');
}

const MESSAGES = { id: 'redis-messages', expected: 'a published message comes back within 2 s' };

function judgeEcho({ hasEcho }: ServerFacts): Finding[] {
  if (hasEcho === null) return [];
  if (hasEcho) return [ok(MESSAGES, 'a published message came back')];
  return [fault(MESSAGES, 'none came back', 'use Redis without a proxy that cannot carry subscriptions')];
}

const SLOTS = { id: 'redis-slots', expected: 'all slots are served, and every master can be reached from here' };

function judgeSlots(facts: ServerFacts): Finding[] {
  const { clusterFaults: faults } = facts;
  if (!isInCluster(facts) || facts.kind !== 'cluster') return [];
  if (faults === null) return [unknown(SLOTS, 'the cluster could not be asked', 'give the user +cluster|slots +cluster|info')];
  if (faults.length === 0) return [ok(SLOTS, 'all slots are served, and every master answers')];
  return faults.map((text) => startFault(SLOTS, text, 'redis-cli --cluster check <a node:port>'));
}

const CLOCK = { id: 'redis-clock', expected: "this machine's clock is within 2 s of Redis's" };
const MAX_SKEW_MS = 2_000;

/** qrcast itself follows Redis's clock. Certificates, logs and people follow the machine's. */
function judgeClock({ clock }: ServerFacts): Finding {
  if (clock === null) return unknown(CLOCK, 'the user may not run TIME', 'redis-cli ACL SETUSER <the user in REDIS_URL> +time');
  const skewMs = Math.abs(clock.aheadMs);
  const found = `Redis's clock is ${(skewMs / 1_000).toFixed(1)} s ${clock.aheadMs >= 0 ? 'ahead' : 'behind'}`;
  if (skewMs - clock.errorMs <= MAX_SKEW_MS) return ok(CLOCK, found);
  return warning(CLOCK, found, "set both clocks by NTP; that of Redis's machine is the clock of the installation");
}
