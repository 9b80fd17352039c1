/** For tests: the keys of a pattern, on one server or on all masters of a cluster. */

import { isCluster, type RedisClient } from '../src/redis/redis-client.ts';

export async function findKeys(redis: RedisClient, pattern: string): Promise<string[]> {
  const servers = isCluster(redis) ? redis.nodes('master') : [redis];
  return (await Promise.all(servers.map((server) => server.keys(pattern)))).flat();
}
