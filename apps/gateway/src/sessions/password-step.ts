/**
 * The account's cloud password on its way from a viewer to the provider. It is in memory only: it
 * is never stored, logged, queued or echoed, and no error of ours holds it.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { PasswordOutcome } from '@qrcast/core/outcome';
import type { Session } from '@qrcast/core/session';
import type { Provider } from '@qrcast/provider/provider';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { InstanceCredentials } from './instance-credentials.ts';
import { createPasswordAttempts, type PasswordTry } from './password-attempts.ts';
import { createPasswordHandover } from './password-handover.ts';
import type { Watching } from './watching.ts';

export interface PasswordStep {
  /**
   * Hands the password to the provider, and asks for a poll. `connected` follows through the
   * streams.
   * @throws {RefusedError} `not_waiting_for_password`, `password_rejected`, `too_many_requests`,
   *   `unavailable`.
   */
  submit(session: Session, password: string): Promise<void>;
}

export interface PasswordStepDeps {
  readonly sessions: Pick<Sessions, 'apply'>;
  readonly watching: Pick<Watching, 'check'>;
  readonly provider: Pick<Provider, 'sendPassword'>;
  readonly instanceCredentials: InstanceCredentials;
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Clock;
}

export function createPasswordStep(deps: PasswordStepDeps): PasswordStep {
  const { watching } = deps;
  const attempts = createPasswordAttempts(deps);
  const handOver = createPasswordHandover(deps);

  /**
   * Counts the try against the session's limit. When the limit is first reached, all viewers are
   * told.
   */
  async function take(session: Session): Promise<PasswordTry> {
    try {
      return await attempts.take(session);
    } catch (error) {
      const isTold = session.state.kind === 'password' && session.state.notice?.code === 'password_rate_limited';
      if (error instanceof RefusedError && !isTold) await tellRefused(deps, session, 'password_rate_limited');
      throw error;
    }
  }

  return {
    async submit(session, password) {
      requirePasswordState(session);
      const attempt = await take(session);
      const outcome = await handOver(session, password).catch(async (error: unknown) => {
        await attempt.giveBack().catch(() => undefined); // the first fault is the one to tell; the try then counts for an hour
        throw error;
      });
      if (outcome.kind !== 'accepted') {
        const isWrong = outcome.kind === 'rejected' && outcome.code === 'password_rejected';
        if (!isWrong) await attempt.giveBack();
        return refuse(deps, session, outcome);
      }
      await attempts.forget(session);
      await watching.check(session);
    },
  };
}

function requirePasswordState({ state }: Session): void {
  if (state.kind === 'password') return;
  throw new RefusedError('not_waiting_for_password', `the session is ${state.kind}; a password is accepted only in the state "password"`);
}

type RefuseDeps = Pick<PasswordStepDeps, 'sessions' | 'watching' | 'clock'>;
type Refusal = Exclude<PasswordOutcome, { kind: 'accepted' }>;

async function refuse({ watching, ...deps }: RefuseDeps, session: Session, outcome: Refusal): Promise<never> {
  if (outcome.kind === 'notExpected') {
    await watching.check(session);
    throw new RefusedError('not_waiting_for_password', 'the provider does not expect a password any more; scan the next code');
  }
  if (outcome.kind === 'trouble') {
    throw new RefusedError('unavailable', `the provider did not accept the password (${outcome.code}); try again`, {
      retryAfterMs: outcome.retryAfterMs ?? 2_000,
    });
  }
  await tellRefused(deps, session, outcome.code);
  if (outcome.code === 'password_rate_limited') {
    throw new RefusedError('too_many_requests', 'the provider accepts no more passwords for now; wait before the next try', {
      retryAfterMs: 60_000,
    });
  }
  throw new RefusedError('password_rejected', 'the provider says the password is wrong');
}

async function tellRefused(
  { sessions, clock }: Pick<RefuseDeps, 'sessions' | 'clock'>,
  session: Session,
  code: 'password_rejected' | 'password_rate_limited',
): Promise<void> {
  await sessions.apply(session.id, { kind: 'passwordRefused', at: clock.now(), code });
}
