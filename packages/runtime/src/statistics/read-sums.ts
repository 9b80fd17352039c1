import { errorWord } from '../redis/error-words.ts';
import type { RedisClient } from '../redis/redis-client.ts';

/** The sums as they are stored, by field. None if the key holds something else, so that it hides nothing but itself. */
export async function readSums(redis: RedisClient, key: string): Promise<Readonly<Record<string, string>>> {
  try {
    return await redis.hgetall(key);
  } catch (error) {
    if (errorWord(error) !== 'WRONGTYPE') throw error;
    return {};
  }
}
