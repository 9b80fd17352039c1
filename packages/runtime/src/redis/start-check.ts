/**
 * Is this Redis fit for qrcast? Asked once, before anything else uses it, because a Redis that
 * lacks something is often found out only later, by a queue that never becomes ready. All faults
 * are reported at once. No text holds an address or a credential.
 *
 *   connect → HELLO (protocol, version, role) → INFO (eviction, loading) → each needed command,
 *   with keys of both patterns → a message that comes back
 */

import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { clusterFaults } from './cluster-check.ts';
import { CLUSTER_FORM } from './cluster-url.ts';
import type { Namespace } from './keys.ts';
import { isSentinelUrl, SENTINEL_FORM } from './sentinel-url.ts';
import { defaultUserMayWrite, echoes, type Fields, helloOf, infoOf, type Kind, kindOf, type Refusals, refusalsOf } from './server-facts.ts';
import { connectionFault, openStartConnection, UnfitRedisError } from './start-connection.ts';

export interface StartCheckDeps {
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly log: Logger;
}

/** The oldest Redis that has all commands. */
export const OLDEST_MAJOR = 7;
const ASK_WHILE_LOADING_MS = 500;

/** @throws {UnfitRedisError} with all faults */
export async function checkRedis({ redisUrl, namespace, log }: StartCheckDeps): Promise<void> {
  const { redis, faults: found } = await openStartConnection(redisUrl);
  try {
    const server = await helloOf(redis);
    if (server.get('mode') === 'sentinel') throw new UnfitRedisError([IS_SENTINEL]);
    const kind = kindOf(redisUrl);
    const info = await loadedInfoOf(redis, log);
    const refusals = await refusalsOf(redis, namespace, kind);
    if (info === null) refusals.commands.unshift('INFO');
    const faults = [...found, ...serverFaults(server, info, refusals, kind), ...refusalFaults(refusals)];
    if (kind === 'cluster' && server.get('mode') === 'cluster') faults.push(...(await clusterFaults(redis, redisUrl)));
    if (faults.length === 0 && kind !== 'cluster' && !(await echoes(redis, namespace))) faults.push(NO_ECHO);
    if (faults.length > 0) throw new UnfitRedisError(faults);
    warnOfEviction(info, log);
    if (info?.get('aof_enabled') === '1' && (await defaultUserMayWrite(redis, namespace)) === false) log.warn(LOSES_AT_RESTART);
  } catch (error) {
    throw error instanceof UnfitRedisError ? error : new UnfitRedisError([connectionFault(error, isSentinelUrl(redisUrl)).fault]);
  } finally {
    redis.disconnect();
  }
}

/** Waits while Redis loads its data. Null if the user may not ask. */
async function loadedInfoOf(redis: Redis, log: Logger): Promise<Fields | null> {
  for (let asked = 0; ; asked++) {
    const info = await infoOf(redis);
    if (info?.get('loading') !== '1') return info;
    if (asked === 0) log.warn('Redis loads its data; waiting until it has');
    await new Promise((resolve) => setTimeout(resolve, ASK_WHILE_LOADING_MS));
  }
}

function serverFaults(server: Fields, info: Fields | null, { writes }: Refusals, kind: Kind): string[] {
  const faults: string[] = [];
  const version = server.get('version') ?? info?.get('redis_version') ?? '';
  const name = info?.has('valkey_version') === true ? 'Valkey' : (server.get('server') ?? 'redis');
  if (version !== '' && Number.parseInt(version, 10) < OLDEST_MAJOR) {
    faults.push(`expected Redis ${OLDEST_MAJOR} or newer, or Valkey; the server is ${name} ${version}. Update it`);
  }
  if (server.get('proto') !== '3') {
    faults.push(
      'expected the protocol RESP3; the server, or a proxy before it, refuses HELLO 3. Use Redis 7 or newer, without a proxy that speaks RESP2 only',
    );
  }
  const isInCluster = server.get('mode') === 'cluster' || info?.get('cluster_enabled') === '1';
  if (isInCluster !== (kind === 'cluster')) faults.push(isInCluster ? IN_CLUSTER : NO_CLUSTER);
  if (isInCluster) return faults; // any node is right, and a replica names its master
  if (server.get('role') === 'replica' || info?.get('role') === 'slave' || writes.includes('READONLY')) {
    faults.push(
      kind === 'sentinel' ? NAMED_REPLICA : 'expected a master; the server is a replica and refuses writes. Name the master in REDIS_URL',
    );
  }
  return faults;
}

const IS_SENTINEL = `the server is a Sentinel, not a Redis. Write ${SENTINEL_FORM} in REDIS_URL`;
const IN_CLUSTER = `the server is a node of a cluster. Write ${CLUSTER_FORM} in REDIS_URL`;
const NO_CLUSTER = 'expected a node of a Redis Cluster; the server is none. Write redis:// in REDIS_URL';
const NAMED_REPLICA =
  'expected a master; the server that the Sentinels name is a replica and refuses writes. A failover may be under way: start again';

const RULE = 'Give it the rule in OPERATING.md under "Redis"';

function refusalFaults({ commands, unknown, keys, channels, writes }: Refusals): string[] {
  const faults: string[] = [];
  if (commands.length > 0) faults.push(`the user in REDIS_URL may not run these commands: ${commands.join(', ')}. ${RULE}`);
  if (unknown.length > 0) faults.push(`the server does not know these commands: ${unknown.join(', ')}. Use Redis 7 or newer, as it is`);
  if (keys.length > 0) faults.push(`the user in REDIS_URL may not use these keys: ${keys.join(' ')}. ${RULE}`);
  if (channels.length > 0) faults.push(`the user in REDIS_URL may not use these channels: ${channels.join(' ')}. ${RULE}`);
  const others = writes.filter((word) => word !== 'READONLY' && word !== 'CLUSTERDOWN'); // the role and the state say it
  if (others.length > 0) faults.push(`expected a server that accepts writes; this one answers ${others.join(', ')}. Look into its log`);
  return faults;
}

const NO_ECHO =
  'expected that a published message comes back within 2 s; it did not. Use Redis itself, without a proxy that cannot carry subscriptions';

const LOSES_AT_RESTART =
  "Redis may lose qrcast's data when it is restarted, because it loads its append-only file as the user default, which may not write; run: ACL SETUSER default off ~* &* +@all";

/** With another policy Redis throws sessions, tenants and keys away when its memory is full. */
function warnOfEviction(info: Fields | null, log: Logger): void {
  const policy = info?.get('maxmemory_policy');
  if (policy === undefined || policy === 'noeviction') return;
  log.warn({ policy }, "Redis may throw qrcast's data away when its memory is full; set its maxmemory-policy to noeviction");
}
