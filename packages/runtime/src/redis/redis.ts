/** Redis connections by role. Every connection reports its errors; nobody else has to. */

import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '../log.ts';

/**
 * `commands`: short commands, pipelined; fails within seconds when Redis is out, so that callers can say so.
 * `subscriber`: subscriptions and the reads that must follow them in order; waits for Redis as long as it takes.
 * `queue`: BullMQ's, whose workers block and must wait for Redis as long as it takes.
 */
export type RedisRole = 'commands' | 'subscriber' | 'queue';

/** Longest a command may take before its caller is told that Redis is out. */
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
    // Full jitter, so that a restarted Redis is not met by all at once; never more than a second, or screens go stale for no reason.
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

/** A polite QUIT gets this long; a connection that is out or frozen would take for ever. */
const QUIT_WITHIN_MS = 1_000;

export async function disconnectRedis(redis: Redis): Promise<void> {
  if (redis.status === 'end') return;
  if (redis.status === 'reconnecting') {
    redis.disconnect(); // there is no connection, and so no end of one is ever told
    return;
  }
  const ended = new Promise<void>((resolve) => redis.once('end', () => resolve()));
  const timer = setTimeout(() => redis.disconnect(), redis.status === 'ready' ? QUIT_WITHIN_MS : 0);
  redis.quit().catch(() => redis.disconnect()); // refused only if the connection is closing already
  await ended;
  clearTimeout(timer);
}
