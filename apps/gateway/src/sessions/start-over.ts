/**
 * The way out of the password step: the instance is logged out, and the person gets a new code. It
 * is for a person who has no password, or who scanned with the wrong account. The provider keeps
 * asking for the password until a login or a logout.
 */

import { noSuchSession, RefusedError } from '@qrcast/core/errors';
import type { Outcome } from '@qrcast/core/outcome';
import { MAX_START_OVERS, MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import type { WireSession } from '@qrcast/core/wire';
import type { MeasuredClock } from '@qrcast/runtime/redis/clock';
import { startOverLockKey } from '@qrcast/runtime/redis/keys';
import { createLocks } from '@qrcast/runtime/redis/locks';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import { createPasswordExit, type PasswordExitDeps } from './password-exit.ts';
import { createPasswordsUnderWay } from './passwords-under-way.ts';
import type { Watching } from './watching.ts';

export interface StartOver {
  /**
   * Resolves to the session, `waiting` for a new code. If a login was finished meanwhile, the
   * session keeps it.
   * @throws {RefusedError} `not_waiting_for_password`, with the session as it is if the caller
   *   `mayView` it; `too_many_requests`, `unavailable`, `not_found`, `upstream_not_allowed`.
   */
  begin(session: Session, mayView: boolean): Promise<Session>;
}

export interface StartOverDeps extends PasswordExitDeps {
  readonly watching: Watching;
  readonly redis: RedisClient;
  readonly clock: MeasuredClock;
  readonly namespace: string;
  /** The session as callers see it. */
  readonly show: (sessionId: string) => Promise<WireSession>;
}

/** Longer than the wait for the instance, three requests and the wait between them may take. */
const LOCK_MS = 70_000;

export function createStartOver(deps: StartOverDeps): StartOver {
  const { watching, clock, show } = deps;
  const alone = createLogoutLock(deps);
  const exit = createPasswordExit(deps);

  const notWaiting = (session: Session, mayView: boolean, why: string): Promise<RefusedError> =>
    notWaitingError(show, session, mayView, why);

  /**
   * Resolves to when the request started that found or brought the instance out of the password
   * step. @throws {RefusedError}
   */
  async function leavePassword(session: Session, mayView: boolean): Promise<number> {
    const left = await exit(session);
    if (left.kind === 'left') return left.startedAt;
    if (left.kind === 'over') throw await notWaiting(session, mayView, 'the session has left the password step meanwhile');
    if (left.kind === 'logoutFailed') throw unavailable('did not log the instance out', left.outcome);
    const { startedAt, outcome } = left;
    if (!tellsState(outcome)) throw unavailable('did not tell the state of the instance', outcome);
    await watching.apply(session.id, { kind: 'answered', at: clock.now(), startedAt, jitter: Math.random(), outcome });
    throw await notWaiting(session, mayView, 'the provider does not expect a password any more; the session shows its new state');
  }

  return {
    async begin(session, mayView) {
      if (session.state.kind !== 'password')
        throw await notWaiting(session, mayView, `the session is ${session.state.kind}; only the password step can be left for a new code`);
      if (session.startOvers >= MAX_START_OVERS) throw tooManyStartOvers(session.expiresAt - clock.now());
      return alone(session, async () => {
        const startedAt = await leavePassword(session, mayView);
        const changed = await watching.change(session.id, { kind: 'startedOver', at: clock.now(), startedAt }, { remembered: session });
        if (changed === null) throw noSuchSession();
        // Not compared with `before`: Redis may have run this very write, and another one since.
        if (changed.after.startOvers <= session.startOvers)
          throw await notWaiting(session, mayView, `the session is ${changed.after.state.kind} by now`);
        return (await watching.start(session.id, { justRead: changed.after })) ?? changed.after;
      });
    },
  };
}

/**
 * One logout at a time for an instance: a double click must not log a new login out. @throws
 * {RefusedError} `too_many_requests`.
 */
function createLogoutLock(
  deps: Pick<StartOverDeps, 'redis' | 'namespace' | 'clock'>,
): <T>(session: Session, run: () => Promise<T>) => Promise<T> {
  const locks = createLocks(deps);
  const passwords = createPasswordsUnderWay(deps);
  // The lock rests afterwards, because the provider takes one call a second.
  const options = { leaseMs: LOCK_MS, restMs: MIN_SPACING_MS, taken: alreadyLoggingOut };
  return ({ instanceKey }, run) =>
    locks.alone(startOverLockKey(deps.namespace, instanceKey), options, async () => {
      if (await passwords.isAny(instanceKey)) throw passwordUnderWay();
      return run();
    });
}

/**
 * The session may show a code or an account by now. A ticket with the scope `password` alone must
 * not see that.
 */
async function notWaitingError(show: StartOverDeps['show'], session: Session, mayView: boolean, why: string): Promise<RefusedError> {
  return new RefusedError('not_waiting_for_password', why, mayView ? { session: await show(session.id) } : {});
}

function tellsState(outcome: Outcome): boolean {
  return outcome.kind !== 'refused' && (outcome.kind !== 'trouble' || outcome.code === 'instance_starting');
}

const alreadyLoggingOut = (): RefusedError =>
  new RefusedError('too_many_requests', 'the instance is being logged out already; wait for the new code', { retryAfterMs: 5_000 });

const passwordUnderWay = (): RefusedError =>
  new RefusedError('too_many_requests', 'a password is being checked, which may finish the login; wait for its answer', {
    retryAfterMs: 2_000,
  });

/** Waiting helps only once the session has expired: then a new one is made. */
const tooManyStartOvers = (expiresInMs: number): RefusedError =>
  new RefusedError('too_many_requests', `the password step was left ${MAX_START_OVERS} times; create a new session`, {
    retryAfterMs: Math.max(1_000, expiresInMs),
  });

function unavailable(what: string, outcome: Outcome): RefusedError {
  const why = outcome.kind === 'trouble' ? outcome.code : outcome.kind === 'refused' ? outcome.reason : outcome.kind;
  const retryAfterMs = (outcome.kind === 'trouble' ? outcome.retryAfterMs : undefined) ?? 2_000;
  return new RefusedError('unavailable', `the provider ${what} (${why}); try again`, { retryAfterMs });
}
