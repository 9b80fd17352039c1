/** What one caller at a time may do, over all processes. */

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { loadLuaScript } from './lua-script.ts';

export interface LockOptions {
  /** Longer than `run` can take, ms: it is freed by itself only where its process died. */
  readonly leaseMs: number;
  /** How long nobody may take it after `run`, ms; 0 if left out. */
  readonly restMs?: number;
  /** What is thrown while somebody else has it. */
  readonly taken: () => Error;
}

export interface Locks {
  /** Runs it while nobody else holds the lock. `key`: of keys.ts. Throws what `taken` or `run` do. */
  alone<T>(key: string, options: LockOptions, run: () => Promise<T>): Promise<T>;
}

export function createLocks({ redis }: { readonly redis: Redis }): Locks {
  const release = loadLuaScript(redis, new URL('./lock-release-1.lua', import.meta.url));
  return {
    async alone(key, { leaseMs, restMs = 0, taken }, run) {
      const holder = randomUUID();
      if ((await redis.set(key, holder, 'PX', leaseMs, 'NX')) === null) throw taken();
      try {
        return await run();
      } finally {
        await release([key], [holder, restMs]).catch(() => undefined); // Redis is out: the lock ends by itself
      }
    },
  };
}
