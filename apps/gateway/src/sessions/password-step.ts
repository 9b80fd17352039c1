/**
 * The account's cloud password on its way from a viewer to the provider: straight through, in memory only. It is never stored, logged,
 * queued or echoed, and no error of ours holds it.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { RefusedError } from '@qrcast/core/errors';
import type { PasswordOutcome } from '@qrcast/core/outcome';
import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import type { Provider } from '@qrcast/provider/provider';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { passwordRateKey } from '@qrcast/runtime/redis/keys';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { Redis } from 'ioredis';
import type { InstanceCredentials } from './instance-credentials.ts';
import { createPasswordAttempts, type PasswordTry } from './password-attempts.ts';
import { createPasswordsUnderWay } from './passwords-under-way.ts';
import type { Watching } from './watching.ts';

export interface PasswordStep {
  /**
   * Hands the password over once. Resolves to the session after it; `connected` follows through the streams.
   * @throws {RefusedError} `not_waiting_for_password`, `password_rejected`, `too_many_requests`, `unavailable`.
   */
  submit(session: Session, password: string): Promise<Session>;
}

export interface PasswordStepDeps {
  readonly sessions: Sessions;
  readonly watching: Watching;
  readonly provider: Pick<Provider, 'sendPassword'>;
  readonly instanceCredentials: InstanceCredentials;
  readonly redis: Redis;
  readonly namespace: string;
  readonly clock: Clock;
}

/** A timer and Redis's expiry round to whole milliseconds, each in its own way. */
const TURN_MARGIN_MS = 20;

/** A person who looks at "Checking…" waits no longer for a limit to pass. */
const LONGEST_WAIT_MS = 5_000;

export function createPasswordStep(deps: PasswordStepDeps): PasswordStep {
  const { sessions, watching, provider, instanceCredentials, redis, namespace, clock } = deps;
  const attempts = createPasswordAttempts(deps);
  const underWay = createPasswordsUnderWay(deps);

  /** Counted against the limit of the session, which every viewer is told of once. */
  async function take(session: Session): Promise<PasswordTry> {
    try {
      return await attempts.take(session);
    } catch (error) {
      const isTold = session.state.kind === 'password' && session.state.notice?.code === 'password_rate_limited';
      if (error instanceof RefusedError && !isTold) await tellRefused(session, 'password_rate_limited');
      throw error;
    }
  }

  async function tellRefused(session: Session, code: 'password_rejected' | 'password_rate_limited'): Promise<void> {
    await sessions.apply(session.id, { kind: 'passwordRefused', at: clock.now(), code });
  }

  async function handOver(session: Session, password: string): Promise<PasswordOutcome> {
    await takeTurn(session);
    const credentials = await instanceCredentials.require(session);
    return underWay.during(session.instanceKey, () => handOverSpaced(session, () => provider.sendPassword(credentials, password)));
  }

  /** A 429 came from the limit of a call a second, which the network can break for us: nobody looked at the password. Once more, later. */
  async function handOverSpaced(session: Session, send: () => Promise<PasswordOutcome>): Promise<PasswordOutcome> {
    const outcome = await send();
    if (!isTooSoon(outcome)) return outcome;
    const waitMs = Math.max(outcome.retryAfterMs ?? 0, MIN_SPACING_MS);
    if (waitMs <= LONGEST_WAIT_MS) {
      await redis.set(passwordRateKey(namespace, session.instanceKey), '1', 'PX', waitMs + MIN_SPACING_MS);
      await delay(waitMs);
      const second = await send();
      if (!isTooSoon(second)) return second;
    }
    return { kind: 'rejected', code: 'password_rate_limited' };
  }

  /**
   * The provider allows one call a second and instance, over all gateways. Who tries again within the second waits for the rest of it; who
   * finds others waiting too is refused.
   */
  async function takeTurn(session: Session): Promise<void> {
    const key = passwordRateKey(namespace, session.instanceKey);
    if (await isMyTurn(key)) return;
    await delay(Math.max(0, await redis.pttl(key)) + TURN_MARGIN_MS);
    if (await isMyTurn(key)) return;
    throw new RefusedError('too_many_requests', 'one password a second; wait and try again', { retryAfterMs: MIN_SPACING_MS });
  }

  const isMyTurn = async (key: string): Promise<boolean> => (await redis.set(key, '1', 'PX', MIN_SPACING_MS, 'NX')) !== null;

  async function refuse(session: Session, outcome: Exclude<PasswordOutcome, { kind: 'accepted' }>): Promise<never> {
    if (outcome.kind === 'notExpected') {
      await watching.check(session);
      throw new RefusedError('not_waiting_for_password', 'the provider waits for no password any more; scan the next code');
    }
    if (outcome.kind === 'trouble') {
      throw new RefusedError('unavailable', `the provider did not take the password (${outcome.code}); try again`, {
        retryAfterMs: outcome.retryAfterMs ?? 2_000,
      });
    }
    await tellRefused(session, outcome.code);
    if (outcome.code === 'password_rate_limited') {
      throw new RefusedError('too_many_requests', 'the provider takes no more passwords for now; wait before the next try', {
        retryAfterMs: 60_000,
      });
    }
    throw new RefusedError('password_rejected', 'the provider says the password is wrong');
  }

  return {
    async submit(session, password) {
      if (session.state.kind !== 'password') {
        throw new RefusedError(
          'not_waiting_for_password',
          `the session is ${session.state.kind}; a password is taken only in the state "password"`,
        );
      }
      const attempt = await take(session);
      const outcome = await handOver(session, password).catch(async (error: unknown) => {
        await attempt.giveBack().catch(() => undefined); // the first fault is told; the try counts for an hour
        throw error;
      });
      if (outcome.kind !== 'accepted') {
        const isWrong = outcome.kind === 'rejected' && outcome.code === 'password_rejected';
        if (!isWrong) await attempt.giveBack();
        return refuse(session, outcome);
      }
      await attempts.forget(session);
      await watching.check(session);
      return (await sessions.find(session.id)) ?? session;
    },
  };
}

type TooSoon = Extract<PasswordOutcome, { kind: 'trouble' }>;

const isTooSoon = (outcome: PasswordOutcome): outcome is TooSoon => outcome.kind === 'trouble' && outcome.code === 'rate_limited';
