/**
 * Publishing, to one server or to a cluster. In a cluster a channel belongs to a slot, as a key
 * does, and its messages reach the subscribers at that slot's master alone (Redis 7).
 */

import { isCluster, type RedisClient } from './redis-client.ts';

/** For scripts. */
export const publishCommand = (redis: RedisClient): 'PUBLISH' | 'SPUBLISH' => (isCluster(redis) ? 'SPUBLISH' : 'PUBLISH');

/** Resolves when Redis has taken the message. */
export const publish = (redis: RedisClient, channel: string, message: string): Promise<unknown> =>
  isCluster(redis) ? redis.spublish(channel, message) : redis.publish(channel, message);
