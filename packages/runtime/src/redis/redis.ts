/** Redis connections by role. Every connection logs its own errors, so callers need not. */

import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '../log.ts';

/**
 * `commands`: short commands, pipelined. They fail within seconds when Redis is out, so callers can
 * say so. `subscriber`: subscriptions, and the reads that must follow them in order. It waits for
 * Redis without limit. `queue`: for BullMQ, whose workers block and must wait for Redis without
 * limit.
 */
export type RedisRole = 'commands' | 'subscriber' | 'queue';

/** A command that takes longer fails. */
const COMMAND_TIMEOUT_MS = 5_000;
const RECONNECT_MAX_MS = 1_000;

const ROLE_OPTIONS = {
  commands: { enableAutoPipelining: true, maxRetriesPerRequest: 2, commandTimeout: COMMAND_TIMEOUT_MS },
  subscriber: { maxRetriesPerRequest: null },
  queue: { maxRetriesPerRequest: null },
} as const satisfies Record<RedisRole, RedisOptions>;

export function connectRedis(url: string, role: RedisRole, log: Logger): Redis {
  const redis = new Redis(url, {
    ...ROLE_OPTIONS[role],
    connectionName: `qrcast-${role}`,
    // Full jitter, so that not all processes return to a restarted Redis at once. At most a second,
    // so that screens do not go stale.
    retryStrategy: (attempt) => Math.round(Math.random() * Math.min(RECONNECT_MAX_MS, 50 * 2 ** attempt)) + 20,
  });
  let isOut = false;
  redis.on('error', (error: Error & { code?: string }) => {
    if (!isOut) log.warn({ role, code: error.code ?? error.name }, 'redis connection lost; reconnecting');
    isOut = true;
  });
  redis.on('ready', () => {
    if (isOut) log.info({ role }, 'redis connection is back');
    isOut = false;
  });
  return redis;
}

/** QUIT gets this long. On a frozen connection it would never end. */
const QUIT_WITHIN_MS = 1_000;

export async function disconnectRedis(redis: Redis): Promise<void> {
  if (redis.status === 'end') return;
  if (redis.status === 'reconnecting') {
    redis.disconnect(); // without a connection there will be no 'end' event
    return;
  }
  const ended = new Promise<void>((resolve) => redis.once('end', () => resolve()));
  const timer = setTimeout(() => redis.disconnect(), redis.status === 'ready' ? QUIT_WITHIN_MS : 0);
  redis.quit().catch(() => redis.disconnect()); // fails only if the connection is closing already
  await ended;
  clearTimeout(timer);
}
