/** A private Redis, append-only file on, whose CPU and memory can be read. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisProgram, openRedisServer } from '@qrcast/runtime/redis/redis-server';
import { Redis } from 'ioredis';

export interface RedisUsage {
  /** Of the server itself; rewrites of its file run in a child and are not in it. */
  readonly cpuMs: number;
  /** Of data alone: what connections and the file's buffer hold comes and goes. */
  readonly dataBytes: number;
}

export interface MeteredRedis {
  readonly url: string;
  readonly version: string;
  usage(): Promise<RedisUsage>;
  /** What the text alone takes as a plain key, the allocator's rounding included. */
  bytesOf(text: string): Promise<number>;
  close(): Promise<void>;
}

/** @throws {Error} if there is no Redis program on `path`. */
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
  redis.on('error', () => undefined); // it ended before us; the next call tells
  const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown';
  return {
    url: server.url,
    version,
    async usage() {
      const info = await redis.info('cpu', 'memory');
      return {
        cpuMs: (fieldOf(info, 'used_cpu_user') + fieldOf(info, 'used_cpu_sys')) * 1000,
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

function fieldOf(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1] ?? Number.NaN);
}
