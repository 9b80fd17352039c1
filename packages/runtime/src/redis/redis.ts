/** Redis connections by role, and how they are closed. connections.ts opens those of a process. */

import { type Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '../log.ts';
import { createClusterClient, type NodeName } from './cluster-client.ts';
import { isClusterUrl, parseClusterUrl } from './cluster-url.ts';
import { reconnectDelay } from './connection-watch.ts';
import { tlsOptions } from './redis-address.ts';
import { createRedisClient, isCluster, type RedisClient } from './redis-client.ts';
import { within } from './within.ts';

/**
 * `commands`: short commands, pipelined. They fail within seconds when Redis is out, so callers can
 * say so. `producer`: the same for what BullMQ adds to queues and reads of them. BullMQ defines its
 * scripts on its connection, and ioredis copies them to each pipeline of that connection.
 * `subscriber`: subscriptions, and the reads that must follow them in order. It waits for Redis
 * without limit. `queue`: for BullMQ's workers, which block and must wait for Redis without limit.
 */
export type RedisRole = 'commands' | 'producer' | 'subscriber' | 'queue';

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
  producer: { maxRetriesPerRequest: 2, commandTimeout: COMMAND_TIMEOUT_MS },
  subscriber: { maxRetriesPerRequest: null },
  queue: { maxRetriesPerRequest: null },
} as const satisfies Record<RedisRole, RedisOptions>;

type OwnOptions = Pick<RedisOptions, 'reconnectOnError' | 'retryStrategy'>;

const optionsOf = (role: RedisRole) => ({
  ...ROLE_OPTIONS[role],
  connectionName: `qrcast-${role}`,
  connectTimeout: CONNECT_WITHIN_MS,
  disconnectTimeout: CLOSE_WITHIN_MS,
  maxLoadingRetryTime: ASK_WHILE_LOADING_MS,
});

/** The caller listens to `error`. The address is none of a cluster. */
export const createRedis = (address: string, role: RedisRole, options: OwnOptions): Redis =>
  createRedisClient(address, { ...optionsOf(role), ...options });

/** For commands, or for BullMQ. The caller listens to `error`. */
export const createClusterRedis = (address: string, role: Exclude<RedisRole, 'subscriber'>): Cluster =>
  createClusterClient(address, { redisOptions: optionsOf(role), retryStrategy: reconnectDelay });

/** A connection to one node of a cluster. Its owner subscribes again after each reconnect. */
export function createNodeRedis(address: string, node: NodeName, role: RedisRole, options: OwnOptions): Redis {
  const { user, tls } = parseClusterUrl(address);
  const colon = node.lastIndexOf(':');
  return new Redis({
    ...optionsOf(role),
    ...options,
    ...user,
    host: node.slice(0, colon),
    port: Number(node.slice(colon + 1)),
    autoResubscribe: false, // ioredis 6.0 throws if the slot of a channel has moved
    ...(tls ? { tls: tlsOptions(address).tls ?? {} } : {}),
  });
}

/** A connection to one server that nobody watches, for short work. It logs its own errors. */
export function connectRedis(address: string, role: RedisRole, log: Logger): Redis {
  const redis = createRedis(address, role, { retryStrategy: reconnectDelay });
  logOutages(redis, role, log);
  return redis;
}

/** As `connectRedis`, for commands, and of a cluster, too. */
export function connectCommands(address: string, log: Logger): RedisClient {
  if (!isClusterUrl(address)) return connectRedis(address, 'commands', log);
  const cluster = createClusterRedis(address, 'commands');
  logOutages(cluster, 'commands', log);
  return cluster;
}

function logOutages(redis: RedisClient, role: RedisRole, log: Logger): void {
  let isOut = false;
  redis.on('error', (error: Error & { code?: string }) => {
    if (!isOut) log.warn({ role, code: error.code ?? error.name }, 'redis connection lost; reconnecting');
    isOut = true;
  });
  redis.on('ready', () => {
    if (isOut) log.info({ role }, 'redis connection is back');
    isOut = false;
  });
}

/** QUIT gets this long. On a frozen connection it would never end. */
const QUIT_WITHIN_MS = 1_000;

export async function disconnectRedis(redis: RedisClient): Promise<void> {
  if (redis.status === 'end') return;
  if (isCluster(redis)) return disconnectCluster(redis);
  if (redis.status === 'reconnecting') return cut(redis);
  const ended = new Promise<void>((resolve) => redis.once('end', () => resolve()));
  const timer = setTimeout(() => cut(redis), redis.status === 'ready' ? QUIT_WITHIN_MS : 0);
  redis.quit().catch(() => cut(redis)); // fails only if the connection is closing already
  await ended;
  clearTimeout(timer);
}

async function disconnectCluster(cluster: Cluster): Promise<void> {
  const ended = new Promise<void>((resolve) => cluster.once('end', () => resolve()));
  await within(QUIT_WITHIN_MS, cluster.quit()).catch(() => undefined); // cut below
  cluster.disconnect();
  await within(QUIT_WITHIN_MS, ended).catch(() => cluster.emit('end')); // ioredis emits none without a connection, and commands wait for it
}

/** It may have begun to reconnect since its owner looked. */
function cut(redis: Redis): void {
  const isReconnecting = redis.status === 'reconnecting';
  redis.disconnect();
  if (isReconnecting) redis.emit('end'); // ioredis emits none without a connection, and others wait for it
}
