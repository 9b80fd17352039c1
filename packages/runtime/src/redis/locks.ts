/** Locks: only one caller at a time, over all processes. */

import { randomUUID } from 'node:crypto';
import type { MeasuredClock } from './clock.ts';
import { loadLuaScript } from './lua-script.ts';
import type { RedisClient } from './redis-client.ts';
import { takeInTime } from './take-in-time.ts';

export interface LockOptions {
  /** Longer than `run` can take, ms. The lock expires after it if the process died. */
  readonly leaseMs: number;
  /** For how long nobody may take the lock after `run`, ms. The default is 0. */
  readonly restMs?: number;
  /** Makes the error that is thrown while another caller has the lock. */
  readonly taken: () => Error;
}

export interface Locks {
  /**
   * Runs `run` with the lock. `key`: from keys.ts. @throws what `taken` makes, and what `run`
   * throws.
   */
  alone<T>(key: string, options: LockOptions, run: () => Promise<T>): Promise<T>;
}

export interface LocksDeps {
  readonly redis: RedisClient;
  readonly clock: MeasuredClock;
}

export function createLocks({ redis, clock }: LocksDeps): Locks {
  const take = loadLuaScript(redis, new URL('./lock-take-1.lua', import.meta.url));
  const release = loadLuaScript(redis, new URL('./lock-release-1.lua', import.meta.url));
  return {
    async alone(key, { leaseMs, restMs = 0, taken }, run) {
      const holder = randomUUID();
      // Redis is out: the lock expires by itself.
      const leave = (inMs: number): Promise<unknown> => release([key], [holder, inMs]).catch(() => undefined);
      let isTaken: number;
      try {
        isTaken = await takeInTime<number>(clock, (notAfter) => take([key], [holder, leaseMs, notAfter]));
      } catch (error) {
        void leave(0); // Redis may have given it, and its reply was lost
        throw error;
      }
      if (isTaken === 0) throw taken();
      try {
        return await run();
      } finally {
        await leave(restMs);
      }
    },
  };
}
