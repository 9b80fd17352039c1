/**
 * Is this Redis fit for qrcast? Asked once, before anything else uses it, because a Redis that
 * lacks something is often found out only later, by a queue that never becomes ready. All faults
 * are reported at once. No text holds an address or a credential.
 *
 *   connect → HELLO (protocol, version, role) → INFO (eviction, loading) → each needed command,
 *   with keys of both patterns → a message that comes back
 */

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { clusterFaults } from './cluster-check.ts';
import { CLUSTER_FORM, isClusterUrl } from './cluster-url.ts';
import { type Namespace, startCheckChannel, startCheckKeys } from './keys.ts';
import { blockingCall, CHANNEL_COMMANDS, CLUSTER_CALLS, nameOf, neededCalls, TRANSACTION_COMMANDS } from './needed-commands.ts';
import { isSentinelUrl, SENTINEL_FORM } from './sentinel-url.ts';
import { connectionFault, openStartConnection, UnfitRedisError } from './start-connection.ts';

export interface StartCheckDeps {
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly log: Logger;
}

const OLDEST_MAJOR = 7;
const ASK_WHILE_LOADING_MS = 500;
const ECHO_WITHIN_MS = 2_000;

/** @throws {UnfitRedisError} with all faults */
export async function checkRedis({ redisUrl, namespace, log }: StartCheckDeps): Promise<void> {
  const { redis, faults: found } = await openStartConnection(redisUrl);
  try {
    const server = await serverOf(redis);
    if (server.get('mode') === 'sentinel') throw new UnfitRedisError([IS_SENTINEL]);
    const kind = kindOf(redisUrl);
    const info = await infoOf(redis, log);
    const refusals = await refusalsOf(redis, namespace, kind);
    if (info === null) refusals.commands.unshift('INFO');
    const faults = [...found, ...serverFaults(server, info, refusals, kind), ...refusalFaults(refusals)];
    if (kind === 'cluster' && server.get('mode') === 'cluster') faults.push(...(await clusterFaults(redis, redisUrl)));
    if (faults.length === 0 && kind !== 'cluster' && !(await echoes(redis, namespace))) faults.push(NO_ECHO);
    if (faults.length > 0) throw new UnfitRedisError(faults);
    warnOfEviction(info, log);
  } catch (error) {
    throw error instanceof UnfitRedisError ? error : new UnfitRedisError([connectionFault(error, isSentinelUrl(redisUrl)).fault]);
  } finally {
    redis.disconnect();
  }
}

/** What the address names. */
type Kind = 'server' | 'sentinel' | 'cluster';

const kindOf = (redisUrl: string): Kind => (isSentinelUrl(redisUrl) ? 'sentinel' : isClusterUrl(redisUrl) ? 'cluster' : 'server');

/** Fields of HELLO or of INFO. */
type Fields = ReadonlyMap<string, string>;

/** Turns an error reply into a value. A connection that fails stays an error. */
const orRefused =
  <T>(value: T) =>
  (error: Error): T => {
    if (error.name !== 'ReplyError') throw error;
    return value;
  };

/** HELLO needs no permission, and it tells version and role. Empty if the server has no HELLO. */
async function serverOf(redis: Redis): Promise<Fields> {
  const answer = await redis.call('HELLO').catch(orRefused([]));
  const flat = Array.isArray(answer)
    ? answer.map(String)
    : Object.entries(answer as object)
        .flat()
        .map(String);
  return new Map(flat.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
}

/** Waits while Redis loads its data. Null if the user may not ask. */
async function infoOf(redis: Redis, log: Logger): Promise<Fields | null> {
  for (let asked = 0; ; asked++) {
    const text = await redis.info().catch(orRefused(null));
    if (text === null) return null;
    const info = new Map([...text.matchAll(/^([a-z_]+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]));
    if (info.get('loading') !== '1') return info;
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

interface Refusals {
  readonly commands: string[];
  readonly unknown: string[];
  readonly keys: string[];
  readonly channels: string[];
  /** Why writes are refused: Redis's word. */
  readonly writes: string[];
}

/** Makes every call that is needed. Other errors than these say that the call is allowed. */
async function refusalsOf(redis: Redis, namespace: Namespace, kind: Kind): Promise<Refusals> {
  const refusals: Refusals = { commands: [], unknown: [], keys: [], channels: [], writes: [] };
  const id = randomUUID();
  const channel = startCheckChannel(namespace, id);
  const tried: Promise<void>[] = [];
  const attempt = (command: string, pattern: string, call: Promise<unknown>): void => {
    tried.push(
      call.then(
        () => undefined,
        (error: Error) => note(refusals, command, pattern, error),
      ),
    );
  };
  for (const [key, pattern] of startCheckKeys(namespace, id)) {
    for (const call of [...neededCalls(key), blockingCall(`${key}:none`)]) attempt(nameOf(call), pattern, redis.call(...call));
  }
  if (kind === 'cluster') for (const call of CLUSTER_CALLS) attempt(call.join(' '), '', redis.call(...(call as [string, string])));
  const [publishing, subscribing, unsubscribing] = CHANNEL_COMMANDS[kind === 'cluster' ? 'cluster' : 'server'];
  attempt(publishing, `${namespace}:*`, redis.call(publishing.toLowerCase(), channel, ''));
  await Promise.all(tried); // over RESP2 a subscribed connection refuses other commands
  attempt(subscribing, `${namespace}:*`, redis.call(subscribing.toLowerCase(), channel));
  attempt(unsubscribing, `${namespace}:*`, redis.call(unsubscribing.toLowerCase(), channel));
  await Promise.all(tried);
  for (const command of TRANSACTION_COMMANDS) attempt(command, '', redis.call(command));
  await Promise.all(tried);
  return refusals;
}

const WRITE_WORDS = /^(?:MISCONF|OOM|NOREPLICAS|READONLY|MASTERDOWN|LOADING|CLUSTERDOWN)\b/;

/** @throws the error if the connection has failed */
function note(refusals: Refusals, command: string, pattern: string, error: Error): void {
  if (error.name !== 'ReplyError') throw error;
  const text = error.message;
  const add = (list: string[], entry: string): void => void (list.includes(entry) || list.push(entry));
  const [word] = WRITE_WORDS.exec(text) ?? [];
  if (word !== undefined) add(refusals.writes, word);
  else if (/unknown (?:sub)?command/i.test(text)) add(refusals.unknown, command);
  if (word !== undefined || !/NOPERM|no permissions/.test(text)) return; // EXEC puts another word before it
  if (text.includes('to run the')) add(refusals.commands, command);
  else if (text.includes('channel')) add(refusals.channels, `&${pattern}`);
  else if (text.includes('key')) add(refusals.keys, `~${pattern}`);
  else add(refusals.commands, command);
}

const RULE = 'The rule of the user stands in OPERATING.md under "Redis"';

function refusalFaults({ commands, unknown, keys, channels, writes }: Refusals): string[] {
  const faults: string[] = [];
  if (commands.length > 0) faults.push(`the user in REDIS_URL may not run these commands: ${commands.join(', ')}. ${RULE}`);
  if (unknown.length > 0) faults.push(`the server does not know these commands: ${unknown.join(', ')}. Use Redis 7 or newer, as it is`);
  if (keys.length > 0) faults.push(`the user in REDIS_URL may not use these keys: ${keys.join(' ')}. ${RULE}`);
  if (channels.length > 0) faults.push(`the user in REDIS_URL may not use these channels: ${channels.join(' ')}. ${RULE}`);
  const others = writes.filter((word) => word !== 'READONLY' && word !== 'CLUSTERDOWN'); // the role and the state say it
  if (others.length > 0) faults.push(`expected a server that accepts writes; this one answers ${others.join(', ')}. Its log says why`);
  return faults;
}

const NO_ECHO =
  'expected that a published message comes back within 2 s; it did not. Use Redis itself, without a proxy that cannot carry subscriptions';

async function echoes(redis: Redis, namespace: Namespace): Promise<boolean> {
  const channel = startCheckChannel(namespace, randomUUID());
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ECHO_WITHIN_MS);
  });
  const came = new Promise<true>((resolve) => redis.once('message', () => resolve(true)));
  await redis.subscribe(channel);
  await redis.publish(channel, '');
  const isBack = await Promise.race([came, late]);
  clearTimeout(timer);
  return isBack;
}

/** With another policy Redis throws sessions, tenants and keys away when its memory is full. */
function warnOfEviction(info: Fields | null, log: Logger): void {
  const policy = info?.get('maxmemory_policy');
  if (policy === undefined || policy === 'noeviction') return;
  log.warn({ policy }, "Redis may throw qrcast's data away when its memory is full; set its maxmemory-policy to noeviction");
}
