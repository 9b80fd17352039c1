/**
 * How many wrong passwords a session may hand over, counted in Redis over all gateways: whoever
 * holds a ticket must not guess on. A try counts before it is made, so that no two gateways make
 * the last one; it is given back if the provider did not call it wrong.
 */

import { randomUUID } from 'node:crypto';
import { RefusedError } from '@qrcast/core/errors';
import type { Session } from '@qrcast/core/session';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { passwordTriesKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { Redis } from 'ioredis';

export interface PasswordAttempts {
  /** Counts a try. @throws {RefusedError} `too_many_requests`, with when there is room again. */
  take(session: Session): Promise<PasswordTry>;
  /** The account is open: nothing was guessed. */
  forget(session: Session): Promise<void>;
}

export interface PasswordTry {
  /** It was not wrong: it does not count. */
  giveBack(): Promise<void>;
}

export interface PasswordAttemptsDeps {
  readonly redis: Redis;
  readonly namespace: string;
  readonly clock: Clock;
}

/** The provider's own limit is not published; a person who mistypes needs two or three. */
export const WRONG_PER_ATTEMPT = 5;
/** A resume begins a new attempt, so the session has a limit as well. */
export const WRONG_PER_HOUR = 10;
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
