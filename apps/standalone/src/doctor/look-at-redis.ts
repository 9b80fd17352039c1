/** Reads from Redis what judge-server.ts, judge-storage.ts and judge-keys.ts judge. */

import { checkKeyring, KeyringError } from '@qrcast/runtime/keyring/key-proofs';
import type { Keyring } from '@qrcast/runtime/keyring/keyring';
import { createLog } from '@qrcast/runtime/log';
import { clusterFaults } from '@qrcast/runtime/redis/cluster-check';
import { connectCommands, disconnectRedis } from '@qrcast/runtime/redis/redis';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import {
  configOf,
  defaultUserMayWrite,
  echoes,
  helloOf,
  infoOf,
  kindOf,
  type Refusals,
  refusalsOf,
} from '@qrcast/runtime/redis/server-facts';
import { connectionFault, openStartConnection, UnfitRedisError } from '@qrcast/runtime/redis/start-connection';
import { within } from '@qrcast/runtime/redis/within';
import type { Releasers } from '@qrcast/runtime/releasers';
import { countStored } from '@qrcast/runtime/sessions/stored-records';
import type { Redis } from 'ioredis';
import type { KeyFacts, StoredFacts } from './judge-keys.ts';
import { type ClockFacts, isSentinel, type ServerFacts } from './judge-server.ts';
import { CONFIG_NAMES } from './judge-storage.ts';

/** A connection has 5 s for each try, and a command as long. */
const CONNECT_WITHIN_MS = 20_000;
const LOOK_WITHIN_MS = 20_000;
const READ_WITHIN_MS = 10_000;

export interface RedisLookDeps {
  /** With the files for TLS. */
  readonly redisUrl: string;
  readonly namespace: string;
  readonly releasers: Releasers;
}

/** `unreached`: what is wrong with the connection, in the words of a start. */
export type RedisLook =
  | { readonly kind: 'reached'; readonly facts: ServerFacts }
  | { readonly kind: 'unreached'; readonly faults: readonly string[] };

export async function lookAtRedis(deps: RedisLookDeps): Promise<RedisLook> {
  try {
    const { redis, faults } = await within(CONNECT_WITHIN_MS, openStartConnection(deps.redisUrl));
    deps.releasers.push('connection to Redis', () => redis.disconnect());
    return { kind: 'reached', facts: { ...(await within(LOOK_WITHIN_MS, factsOf(redis, deps))), faults } };
  } catch (error) {
    const faults = error instanceof UnfitRedisError ? error.faults : [connectionFault(error, deps.redisUrl.includes('+sentinel:')).fault];
    return { kind: 'unreached', faults };
  }
}

async function factsOf(redis: Redis, { redisUrl, namespace }: RedisLookDeps): Promise<Omit<ServerFacts, 'faults'>> {
  const kind = kindOf(redisUrl);
  const hello = await helloOf(redis);
  if (isSentinel({ hello }))
    return {
      ...{ kind, hello, info: null, config: null, clock: null, defaultMayWrite: null },
      ...{ refusals: NONE, hasEcho: null, clusterFaults: null },
    };
  const [info, config, defaultMayWrite] = await Promise.all([
    infoOf(redis),
    configOf(redis, CONFIG_NAMES),
    defaultUserMayWrite(redis, namespace),
  ]);
  const clock = await clockOf(redis);
  const refusals = await refusalsOf(redis, namespace, kind);
  if (info === null) refusals.commands.unshift('INFO');
  const isAllowed = refusals.commands.length + refusals.unknown.length + refusals.channels.length === 0;
  const isCluster = kind === 'cluster' && hello.get('mode') === 'cluster';
  return {
    ...{ kind, hello, info, config, clock, defaultMayWrite, refusals },
    hasEcho: isAllowed && kind !== 'cluster' ? await echoes(redis, namespace) : null,
    clusterFaults: isAllowed && isCluster ? await clusterFaults(redis, redisUrl) : null,
  };
}

const NONE: Refusals = { commands: [], unknown: [], keys: [], channels: [], writes: [] };

/** Null if the user may not ask. */
async function clockOf(redis: Redis): Promise<ClockFacts | null> {
  const before = Date.now();
  const answer = await redis.time().catch((error: Error) => {
    if (error.name === 'ReplyError') return null;
    throw error;
  });
  const after = Date.now();
  if (answer === null) return null;
  const [seconds, microseconds] = answer.map(Number) as [number, number];
  return { aheadMs: seconds * 1_000 + microseconds / 1_000 - (before + after) / 2, errorMs: (after - before) / 2 };
}

export interface KeyLookDeps extends RedisLookDeps {
  readonly keyring: Keyring;
}

/** Call it only if Redis answers. Both looks change nothing. */
export async function lookAtKeys(deps: KeyLookDeps): Promise<{ readonly keys: KeyFacts; readonly stored: StoredFacts }> {
  const redis = connectCommands(deps.redisUrl, createLog('qrcast', 'silent'));
  deps.releasers.push('connection for keys', () => disconnectRedis(redis));
  const [keys, stored] = await Promise.all([keyFacts(redis, deps), storedFacts(redis, deps)]);
  return { keys, stored };
}

async function keyFacts(redis: RedisClient, { namespace, keyring }: KeyLookDeps): Promise<KeyFacts> {
  try {
    return { kind: 'fits', usedIds: await within(READ_WITHIN_MS, checkKeyring(redis, namespace, keyring)) };
  } catch (error) {
    return error instanceof KeyringError ? { kind: 'differs', text: error.message } : { kind: 'failed', why: whyOf(error) };
  }
}

async function storedFacts(redis: RedisClient, { namespace, keyring }: KeyLookDeps): Promise<StoredFacts> {
  try {
    return await within(READ_WITHIN_MS, countStored({ redis, namespace, keyring }));
  } catch (error) {
    return { why: whyOf(error) };
  }
}

/** A reply of Redis may repeat a key, so only its first word is told. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it could not be read';
  return error.name === 'ReplyError' ? `Redis answers ${/^\w+/.exec(error.message)?.[0] ?? 'an error'}` : error.message;
}
