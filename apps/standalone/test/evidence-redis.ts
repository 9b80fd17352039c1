/** For tests: records every command and message of Redis, and everything that it stores. */

import { openRedisMonitor } from '@qrcast/runtime/test/monitor';
import { Redis } from 'ioredis';

export interface RedisEvidence {
  /** Every command of every client and script since the recording began, with all arguments. */
  commands(): readonly (readonly string[])[];
  /** Every message of every channel. */
  messages(): readonly string[];
  /** Every key with its value. */
  dump(): Promise<string>;
  close(): Promise<void>;
}

export async function openRedisEvidence(redisUrl: string): Promise<RedisEvidence> {
  const redis = new Redis(redisUrl);
  const subscriber = new Redis(redisUrl);
  const commands: string[][] = [];
  const messages: string[] = [];
  const monitor = await openRedisMonitor([redisUrl]);
  monitor.on('monitor', (_time: string, args: string[]) => void commands.push(args));
  subscriber.on('pmessage', (_pattern, channel, message) => void messages.push(`${channel} ${message}`));
  await subscriber.psubscribe('*');

  async function read(key: string): Promise<unknown> {
    const readers: Readonly<Record<string, () => Promise<unknown>>> = {
      string: () => redis.get(key),
      hash: () => redis.hgetall(key),
      set: () => redis.smembers(key),
      list: () => redis.lrange(key, 0, -1),
      zset: () => redis.zrange(key, '0', '-1', 'WITHSCORES'),
      stream: () => redis.xrange(key, '-', '+'),
      none: async () => 'expired meanwhile',
    };
    const type = await redis.type(key);
    const reader = readers[type];
    if (reader === undefined) throw new Error(`a key of type ${type} cannot be read`);
    return reader();
  }

  return {
    commands: () => commands,
    messages: () => messages,
    async dump() {
      const texts: string[] = [];
      for (const key of await redis.keys('*')) texts.push(`${key} ${JSON.stringify(await read(key))}`);
      return texts.join('\n');
    },
    async close() {
      const all = [redis, subscriber, monitor];
      const ended = all.map((one) => new Promise<void>((resolve) => one.once('end', resolve)));
      for (const one of all) one.disconnect();
      await Promise.all(ended);
    },
  };
}
