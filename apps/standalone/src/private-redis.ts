/** The Redis `start` works over when none is given: a real one found on PATH, else an in-process stand-in that is good for a look. */

import { findRedisProgram, openRedisServer } from '@qrcast/runtime/redis-server';
import { createRedisServer } from 'js-redis-server';

export interface PrivateRedis {
  readonly url: string;
  /** False for the stand-in, whose data ends with the process. */
  readonly isReal: boolean;
  close(): Promise<void>;
}

export async function openPrivateRedis(path: string, folder: string): Promise<PrivateRedis> {
  const program = findRedisProgram(path);
  if (program !== null) {
    const server = await openRedisServer({ program, folder, persistent: true });
    return { url: server.url, isReal: true, close: () => server.close() };
  }
  const server = await createRedisServer({ port: 0 });
  return { url: `redis://127.0.0.1:${server.port}`, isReal: false, close: () => server.close() };
}

/** How to get a real one here, as a command where we know it. */
export function redisAdvice(platform: NodeJS.Platform, hasApt: boolean): string {
  if (platform === 'darwin') return 'brew install redis';
  if (platform === 'linux' && hasApt) return 'sudo apt-get install -y redis-server';
  if (platform === 'win32') return 'run qrcast in WSL and there: sudo apt-get install -y redis-server';
  return 'install redis-server 7 or newer, or valkey-server, with your package manager';
}
