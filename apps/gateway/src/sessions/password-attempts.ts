/**
 * Limits the wrong passwords of a session, so that the holder of a ticket cannot guess on. They are
 * counted in Redis, over all gateways. A try counts before it is made, so that two gateways cannot
 * both make the last one. It is given back unless the provider calls it wrong.
 */

import { randomUUID } from 'node:crypto';
import { RefusedError } from '@qrcast/core/errors';
import type { Session } from '@qrcast/core/session';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { passwordTriesKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';

export interface PasswordAttempts {
  /**
   * Counts a try. @throws {RefusedError} `too_many_requests`, with the time until a try is allowed
   * again.
   */
  take(session: Session): Promise<PasswordTry>;
  /** Forgets the tries of a session whose password was right. */
  forget(session: Session): Promise<void>;
}

export interface PasswordTry {
  /** Call it if the password was not wrong: then the try does not count. */
  giveBack(): Promise<void>;
}

export interface PasswordAttemptsDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Clock;
}

/** The provider does not publish its own limit. A person who mistypes needs two or three. */
const WRONG_PER_ATTEMPT = 5;
/** A resume begins a new attempt, so the session has a limit as well. */
const WRONG_PER_HOUR = 10;
const HOUR_MS = 3_600_000;

export function createPasswordAttempts({ redis, namespace, clock }: PasswordAttemptsDeps): PasswordAttempts {
  const take = loadLuaScript(redis, new URL('./password-take-1.lua', import.meta.url));

  return {
    async take(session) {
      const key = passwordTriesKey(namespace, session.id);
      const member = `${session.startedAt}|${randomUUID()}`;
      const args = [member, session.startedAt, WRONG_PER_ATTEMPT, WRONG_PER_HOUR, HOUR_MS];
      const [verdict, roomInMs] = (await take([key], args)) as ['taken' | 'attempt' | 'session', number]; // as the script returns it
      if (verdict === 'taken') return { giveBack: async () => void (await redis.zrem(key, member)) };
      if (verdict === 'session')
        throw new RefusedError(
          'too_many_requests',
          `${WRONG_PER_HOUR} wrong passwords in an hour; no more are taken for this session now`,
          {
            retryAfterMs: roomInMs,
          },
        );
      const attemptEndsInMs = Math.max(1_000, session.deadlineAt - clock.now());
      throw new RefusedError(
        'too_many_requests',
        `${WRONG_PER_ATTEMPT} wrong passwords; no more are taken in this attempt. Scan again in the next one`,
        { retryAfterMs: Math.min(roomInMs, attemptEndsInMs) },
      );
    },

    forget: async (session) => void (await redis.del(passwordTriesKey(namespace, session.id))),
  };
}
