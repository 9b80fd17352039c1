/** For tests: the time of Redis, by which scripts that call TIME decide. */

import type { RedisClient } from '../src/redis/redis-client.ts';

/** Unix ms, whole. */
export async function redisNow(redis: RedisClient): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}
