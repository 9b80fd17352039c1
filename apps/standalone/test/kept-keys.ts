/** For leak tests: which keys stay in Redis for ever, and how much they hold. */

import { readFileSync } from 'node:fs';
import { DEFAULT_NAMESPACE } from '@qrcast/runtime/redis/keys';
import { isCluster, type RedisClient } from '@qrcast/runtime/redis/redis-client';
import type { Redis } from 'ioredis';

/** The keys that may stay for ever: CONTRIBUTING.md lists them, with the reasons. */
const MAY_STAY = readDocumented(readFileSync(new URL('../../../CONTRIBUTING.md', import.meta.url), 'utf8'));

function readDocumented(page: string): RegExp[] {
  const [, section = ''] = /\n## What stays in Redis\n(.*?)\n## /s.exec(page) ?? [];
  const patterns = [...section.matchAll(/`(\{?qrcast\}?:[^`]+)`/g)].map(([, pattern = '']) => pattern);
  return patterns.map((pattern) => new RegExp(`^${pattern.replace(/[{}]/g, '\\$&').replaceAll('*', '.*')}$`));
}

export const mayStay = (key: string): boolean => MAY_STAY.some((pattern) => pattern.test(key));

/** @returns the keys without a time to live, with the default namespace in place of `namespace` */
export async function keysThatStay(redis: RedisClient, namespace = DEFAULT_NAMESPACE): Promise<string[]> {
  const servers = isCluster(redis) ? redis.nodes('master') : [redis];
  const keys = (await Promise.all(servers.map((server) => server.keys(`*${namespace}*`)))).flat();
  const staying = await Promise.all(
    keys.map(async (key) => ((await redis.pttl(key)) === -1 ? [key.replaceAll(namespace, DEFAULT_NAMESPACE)] : [])),
  );
  return staying.flat().toSorted();
}

/** Of each key how many entries it has. */
export type KeySizes = Readonly<Record<string, number>>;

/**
 * Runs in one piece, so that no key vanishes in between. A stream counts as one entry, because
 * BullMQ and the audit log bound theirs by length.
 */
const SIZES = `
local sizes = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key).ok
  local count = ({ hash = 'HLEN', zset = 'ZCARD', set = 'SCARD', list = 'LLEN' })[kind]
  sizes[#sizes + 1] = key
  sizes[#sizes + 1] = count and redis.call(count, key) or 1
end
return sizes`;

/** Keys that belong to a running process, not to what it has done. */
const OF_PROCESSES =
  /^qrcast:(probe:|ticker$|gateways$)|:stalled-check$|^\{qrcast\}:polls:(active|wait|marker|stalled|\d+|tick-.*)(:lock)?$/;

/** @returns the sizes of all keys except those that running processes need */
export async function readSizes(redis: Redis): Promise<KeySizes> {
  const flat = (await redis.eval(SIZES, 0)) as (string | number)[]; // what the script returns
  const pairs = Array.from({ length: flat.length / 2 }, (_, i) => [String(flat[2 * i]), Number(flat[2 * i + 1])] as const);
  return Object.fromEntries(pairs.filter(([key]) => !OF_PROCESSES.test(key)));
}

/**
 * Does at once what time does: each key whose time is limited ends, and what waits for a worker is
 * due.
 */
export async function letTimePass(redis: Redis): Promise<void> {
  const keys = await redis.keys('qrcast:*'); // those of BullMQ are locks of running jobs
  for (const key of keys) if (!OF_PROCESSES.test(key) && (await redis.pttl(key)) > 0) await redis.pexpire(key, 1);
  const [seconds] = await redis.time();
  for (const key of keys.filter((one) => one.endsWith('outbox') || one.endsWith(':checks'))) {
    // A score of 0 is that of a new mark, which is looked at twice.
    for (const member of await redis.zrangebyscore(key, 1, '+inf')) await redis.zadd(key, 'XX', Number(seconds) * 1_000, member);
  }
}

/** Sets of what is to be done, which are gone when it is done. */
const OF_WORK = /^qrcast:(outbox$|\{shard:|\{tenant:[^}]+\}:(checks|relay)$)/;

/** Whether the key should be gone when all times have passed and all work is done. */
export const isUndue = (key: string): boolean => !mayStay(key) || OF_WORK.test(key);

/** @returns what is there now and not in `base`, or holds more, as `key before→now` */
export function grownKeys(base: KeySizes, now: KeySizes): string[] {
  return Object.entries(now).flatMap(([key, size]) => (size > (base[key] ?? 0) ? [`${key} ${base[key] ?? 0}→${size}`] : []));
}
