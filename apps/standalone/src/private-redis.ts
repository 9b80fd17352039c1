/**
 * The Redis of `start` if none is given: a real one found on PATH, or else an in-process stand-in
 * for a first look.
 *
 * The real one is a process of its own. If this process is killed, Redis ends a moment later, or
 * not at all if its watchdog was killed, too. Two of them must not write one append-only file. So
 * its address is kept beside the data, and the next start ends it first.
 */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { findRedisProgram, openRedisServer } from '@qrcast/runtime/redis/redis-server';
import { Redis } from 'ioredis';
import { createRedisServer } from 'js-redis-server';

export interface PrivateRedis {
  readonly url: string;
  /** False for the stand-in, whose data is lost with the process. */
  readonly isReal: boolean;
  close(): Promise<void>;
}

export async function openPrivateRedis(path: string, folder: string): Promise<PrivateRedis> {
  const program = findRedisProgram(path);
  if (program === null) {
    const server = await createRedisServer({ port: 0 });
    return { url: `redis://127.0.0.1:${server.port}`, isReal: false, close: () => server.close() };
  }
  const addressFile = join(dirname(folder), 'redis-address');
  await endLeftover(addressFile, folder);
  const server = await openRedisServer({ program, folder: resolve(folder), persistent: true });
  writeFileSync(addressFile, server.url, { mode: 0o600 }); // with its password
  return {
    url: server.url,
    isReal: true,
    async close() {
      await server.close();
      rmSync(addressFile, { force: true });
    },
  };
}

/** Ends the Redis of a killed start, if it still uses this folder. */
async function endLeftover(addressFile: string, folder: string): Promise<void> {
  let url: string;
  try {
    url = readFileSync(addressFile, 'utf8');
  } catch {
    return; // the last start stopped in order
  }
  const redis = new Redis(url, { retryStrategy: () => null, maxRetriesPerRequest: 0, lazyConnect: true });
  redis.on('error', () => undefined); // it is gone, as the next call finds
  try {
    const [, dir] = (await redis.config('GET', 'dir')) as string[];
    const ended = new Promise<void>((done) => redis.once('end', () => done()));
    if (dir === resolve(folder)) {
      redis.shutdown().catch(() => undefined); // it answers by closing the connection
      await ended;
    }
  } catch {
    // Nobody answers there, or a server of somebody else does.
  } finally {
    redis.disconnect();
  }
  rmSync(addressFile, { force: true });
}

/** @returns how to install a real Redis here, as a command if we know it */
export function redisAdvice(platform: NodeJS.Platform, hasApt: boolean): string {
  if (platform === 'darwin') return 'brew install redis';
  if (platform === 'linux' && hasApt) return 'sudo apt-get install -y redis-server';
  if (platform === 'win32') return 'run qrcast in WSL and there: sudo apt-get install -y redis-server';
  return 'install redis-server 7 or newer, or valkey-server, with your package manager';
}
