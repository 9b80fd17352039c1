/**
 * The questions to a server of Redis that show whether it is fit for qrcast. start-check.ts judges
 * the answers at the start of a process, and `qrcast doctor` for an operator. Nothing stays changed.
 */

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { isClusterUrl } from './cluster-url.ts';
import { type Namespace, startCheckChannel, startCheckKeys } from './keys.ts';
import { blockingCall, CHANNEL_COMMANDS, CLUSTER_CALLS, nameOf, neededCalls, TRANSACTION_COMMANDS } from './needed-commands.ts';
import { isSentinelUrl } from './sentinel-url.ts';

/** What the address names. */
export type Kind = 'server' | 'sentinel' | 'cluster';

export const kindOf = (redisUrl: string): Kind => (isSentinelUrl(redisUrl) ? 'sentinel' : isClusterUrl(redisUrl) ? 'cluster' : 'server');

/** Fields of HELLO or of INFO. */
export type Fields = ReadonlyMap<string, string>;

/** Turns an error reply into a value. A connection that fails stays an error. */
const orRefused =
  <T>(value: T) =>
  (error: Error): T => {
    if (error.name !== 'ReplyError') throw error;
    return value;
  };

/** HELLO needs no permission, and it tells version and role. Empty if the server has no HELLO. */
export async function helloOf(redis: Redis): Promise<Fields> {
  return fieldsIn(await redis.call('HELLO').catch(orRefused([])));
}

/** Null if the user may not ask. */
export async function infoOf(redis: Redis): Promise<Fields | null> {
  const text = await redis.info().catch(orRefused(null));
  if (text === null) return null;
  return new Map([...text.matchAll(/^([a-z_]+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]));
}

/** Configuration by the names of its parameters. Null if the user may not ask, as with most hosters. */
export async function configOf(redis: Redis, names: readonly string[]): Promise<Fields | null> {
  const answer = await redis.call('CONFIG', 'GET', ...names).catch(orRefused(null));
  return answer === null ? null : fieldsIn(answer);
}

/**
 * Whether the user `default` may write our keys. Redis 7 loads its append-only file as that user, and
 * drops what transactions and scripts wrote if that user may not write it (redis/redis#14541). Null if
 * the user in REDIS_URL may not ask.
 */
export async function defaultUserMayWrite(redis: Redis, namespace: Namespace): Promise<boolean | null> {
  const [[key] = ['']] = startCheckKeys(namespace, randomUUID());
  const answer = await redis.call('ACL', 'DRYRUN', 'default', 'SET', key, '').catch(orRefused(null));
  return answer === null ? null : answer === 'OK';
}

/** An answer is a map over RESP3, and a list of names and values over RESP2. */
function fieldsIn(answer: unknown): Fields {
  const flat = Array.isArray(answer)
    ? answer.map(String)
    : Object.entries(answer as object)
        .flat()
        .map(String);
  return new Map(flat.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
}

export interface Refusals {
  readonly commands: string[];
  readonly unknown: string[];
  readonly keys: string[];
  readonly channels: string[];
  /** Why writes are refused: Redis's word. */
  readonly writes: string[];
}

/** Makes every call that is needed. Other errors than these say that the call is allowed. */
export async function refusalsOf(redis: Redis, namespace: Namespace, kind: Kind): Promise<Refusals> {
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

const ECHO_WITHIN_MS = 2_000;

/** Whether a published message comes back. */
export async function echoes(redis: Redis, namespace: Namespace): Promise<boolean> {
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
