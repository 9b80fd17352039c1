/**
 * Keeps a password and a logout of the same instance apart, over all gateways. A logout after a
 * right password would undo the login that the provider is just finishing. Each side sets its mark
 * first and then looks for the other's, so both never go on.
 */

import { randomUUID } from 'node:crypto';
import { RefusedError } from '@qrcast/core/errors';
import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { passwordsUnderWayKey, startOverLockKey } from '@qrcast/runtime/redis/keys';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';

export interface PasswordsUnderWay {
  /**
   * Runs `handOver`. @throws {RefusedError} `too_many_requests` while the instance is being logged
   * out.
   */
  during<T>(instanceKey: string, handOver: () => Promise<T>): Promise<T>;
  /** Whether a password of the instance is with the provider. */
  isAny(instanceKey: string): Promise<boolean>;
}

export interface PasswordsUnderWayDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Longer than it takes to hand a password over twice. So a mark outlives that only if its gateway
 * died.
 */
const LONGEST_MS = 45_000;

export function createPasswordsUnderWay({ redis, namespace, clock }: PasswordsUnderWayDeps): PasswordsUnderWay {
  return {
    async during(instanceKey, handOver) {
      const [key, mark] = [passwordsUnderWayKey(namespace, instanceKey), randomUUID()];
      await redis.zadd(key, clock.now() + LONGEST_MS, mark);
      try {
        await redis.pexpire(key, LONGEST_MS);
        if ((await redis.exists(startOverLockKey(namespace, instanceKey))) === 1)
          throw new RefusedError('too_many_requests', 'the instance is being logged out for a new code; wait for it', {
            retryAfterMs: MIN_SPACING_MS,
          });
        return await handOver();
      } finally {
        await redis.zrem(key, mark).catch(() => undefined); // Redis is unreachable; the mark ends by itself
      }
    },

    isAny: async (instanceKey) => (await redis.zcount(passwordsUnderWayKey(namespace, instanceKey), clock.now(), '+inf')) > 0,
  };
}
