/** A private Redis with its append-only file on, whose use of CPU and memory can be read. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisProgram, openRedisServer } from '@qrcast/runtime/redis/redis-server';
import { Redis } from 'ioredis';

export interface RedisUsage {
  /** Of the server itself. A rewrite of its file runs in a child process and is not included. */
  readonly cpuMs: number;
  /** Of the data alone. The memory of connections and of the file's buffer changes all the time. */
  readonly dataBytes: number;
}

export interface MeteredRedis {
  readonly url: string;
  readonly version: string;
  usage(): Promise<RedisUsage>;
  /** @returns what the text takes as the value of a plain key, with the allocator's rounding */
  bytesOf(text: string): Promise<number>;
  close(): Promise<void>;
}

/** @throws {Error} if there is no Redis program on `path` */
export async function openMeteredRedis(path: string): Promise<MeteredRedis> {
  const program = findRedisProgram(path);
  if (program === null) throw new Error('a benchmark needs a real Redis 7 or newer; install redis-server or valkey-server');
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-bench-'));
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  const server = await openRedisServer({ program, folder, persistent: true }).catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });
  const redis = new Redis(server.url);
  redis.on('error', () => undefined); // it ended before us; the next call reports that
  const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown';
  return {
    url: server.url,
    version,
    async usage() {
      const info = await redis.info('cpu', 'memory');
      return {
        cpuMs: cpuMsIn(info),
        dataBytes: fieldOf(info, 'used_memory') - fieldOf(info, 'mem_clients_normal') - fieldOf(info, 'mem_aof_buffer'),
      };
    },
    async bytesOf(text) {
      await redis.set('sample', text);
      const bytes = await redis.memory('USAGE', 'sample');
      await redis.del('sample');
      return bytes ?? Number.NaN;
    },
    async close() {
      redis.disconnect();
      await server.close();
      await removeFolder();
    },
  };
}

/** Of the server itself, in the answer to INFO. */
export function cpuMsIn(info: string): number {
  return (fieldOf(info, 'used_cpu_user') + fieldOf(info, 'used_cpu_sys')) * 1000;
}

/** A number in the answer to INFO; NaN if it is not there. */
export function fieldOf(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1] ?? Number.NaN);
}
