/** Clients of ioredis for any address of Redis: of one server, of Sentinels, or of a cluster. */

import { type Cluster, Redis, type RedisOptions } from 'ioredis';
import { tlsOptions } from './redis-address.ts';
import { sentinelConnector } from './sentinel-connector.ts';
import { isSentinelUrl, parseSentinelUrl } from './sentinel-url.ts';

/** Takes commands: a connection to one server, or to all masters of a cluster. */
export type RedisClient = Redis | Cluster;

export const isCluster = (redis: RedisClient): redis is Cluster => redis.isCluster;

/**
 * Of one server, or of the master that Sentinels name.
 * @throws if a file that the address names cannot be read
 */
export function createRedisClient(address: string, options: Omit<RedisOptions, 'replyMapping'>): Redis {
  const files = tlsOptions(address);
  if (!isSentinelUrl(address)) return new Redis(address, { ...files, ...options });
  const parsed = parseSentinelUrl(address);
  const behindSentinel: Omit<RedisOptions, 'replyMapping'> = {
    ...options,
    ...parsed.user,
    db: parsed.db,
    Connector: sentinelConnector(parsed, files.tls),
  };
  // `tls` also tells ioredis to wait for the handshake of TLS.
  return new Redis(parsed.tls ? { ...behindSentinel, tls: files.tls ?? {} } : behindSentinel);
}
