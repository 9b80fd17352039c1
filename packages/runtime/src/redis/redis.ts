/** Redis connections by role, and how they are closed. connections.ts opens those of a process. */

import type { Redis, RedisOptions } from 'ioredis';
import type { Logger } from '../log.ts';
import { reconnectDelay } from './connection-watch.ts';
import { createRedisClient } from './redis-client.ts';

/**
 * `commands`: short commands, pipelined. They fail within seconds when Redis is out, so callers can
 * say so. `subscriber`: subscriptions, and the reads that must follow them in order. It waits for
 * Redis without limit. `queue`: for BullMQ, whose workers block and must wait for Redis without
 * limit.
 */
export type RedisRole = 'commands' | 'subscriber' | 'queue';

/** A command that takes longer fails. */
const COMMAND_TIMEOUT_MS = 5_000;
/** Connecting to a machine that is gone gets no answer at all. */
const CONNECT_WITHIN_MS = 4_000;
/** A frozen connection never closes in an orderly way, and until it has closed nothing reconnects. */
const CLOSE_WITHIN_MS = 200;
/** ioredis asks a Redis that loads its data at most this seldom. Its default is 10 s. */
const ASK_WHILE_LOADING_MS = 500;

const ROLE_OPTIONS = {
  commands: { enableAutoPipelining: true, maxRetriesPerRequest: 2, commandTimeout: COMMAND_TIMEOUT_MS },
  subscriber: { maxRetriesPerRequest: null },
  queue: { maxRetriesPerRequest: null },
} as const satisfies Record<RedisRole, RedisOptions>;

/** The caller listens to `error`. */
export function createRedis(url: string, role: RedisRole, options: Pick<RedisOptions, 'reconnectOnError' | 'retryStrategy'>): Redis {
  return createRedisClient(url, {
    ...ROLE_OPTIONS[role],
    connectionName: `qrcast-${role}`,
    connectTimeout: CONNECT_WITHIN_MS,
    disconnectTimeout: CLOSE_WITHIN_MS,
    maxLoadingRetryTime: ASK_WHILE_LOADING_MS,
    ...options,
  });
}

/** A connection that nobody watches, for short work. It logs its own errors. */
export function connectRedis(url: string, role: RedisRole, log: Logger): Redis {
  const redis = createRedis(url, role, { retryStrategy: reconnectDelay });
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
  if (redis.status === 'reconnecting') return cut(redis);
  const ended = new Promise<void>((resolve) => redis.once('end', () => resolve()));
  const timer = setTimeout(() => cut(redis), redis.status === 'ready' ? QUIT_WITHIN_MS : 0);
  redis.quit().catch(() => cut(redis)); // fails only if the connection is closing already
  await ended;
  clearTimeout(timer);
}

/** It may have begun to reconnect since its owner looked. */
function cut(redis: Redis): void {
  const isReconnecting = redis.status === 'reconnecting';
  redis.disconnect();
  if (isReconnecting) redis.emit('end'); // ioredis emits none without a connection, and others wait for it
}
