/**
 * The way out of the password step: the instance is logged out, and the person gets a new code. For a person who has no password, or who
 * scanned with the wrong account. The provider keeps asking for the password until a login or a logout.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { RefusedError } from '@qrcast/core/errors';
import type { Outcome, PollMethod } from '@qrcast/core/outcome';
import { MAX_START_OVERS, MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import type { WireSession } from '@qrcast/core/wire';
import type { Provider } from '@qrcast/provider/provider';
import type { ConnectedInstances } from '@qrcast/runtime/connected/connected-instances';
import type { InstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { startOverLockKey } from '@qrcast/runtime/redis/keys';
import { createLocks } from '@qrcast/runtime/redis/locks';
import type { Redis } from 'ioredis';
import type { InstanceCredentials } from './instance-credentials.ts';
import { createPasswordsUnderWay } from './passwords-under-way.ts';
import type { Watching } from './watching.ts';

export interface StartOver {
  /**
   * Resolves to the session, `waiting` for a new code. A login that was finished meanwhile wins.
   * @throws {RefusedError} `not_waiting_for_password`, with the session as it is if the caller `mayView` it; `too_many_requests`,
   *   `unavailable`, `not_found`, `upstream_not_allowed`.
   */
  begin(session: Session, mayView: boolean): Promise<Session>;
}

export interface StartOverDeps {
  readonly watching: Watching;
  readonly provider: Pick<Provider, 'poll'>;
  readonly connected: Pick<ConnectedInstances, 'duringLogout'>;
  readonly holds: Pick<InstanceHolds, 'retryAfterMs' | 'keepRetryAfter'>;
  readonly instanceCredentials: InstanceCredentials;
  readonly redis: Redis;
  readonly namespace: string;
  readonly clock: Clock;
  /** The session as callers see it. */
  readonly show: (sessionId: string) => Promise<WireSession>;
}

/** Longer than two requests and the wait between them may take. */
const TURN_MS = 45_000;

export function createStartOver(deps: StartOverDeps): StartOver {
  const { watching, provider, connected, holds, instanceCredentials, namespace, clock, show } = deps;
  const locks = createLocks(deps);
  const passwords = createPasswordsUnderWay(deps);

  /** One at a time for an instance: a double click must not log a new login out. */
  function inTurn<T>(session: Session, run: () => Promise<T>): Promise<T> {
    const taken = () =>
      new RefusedError('too_many_requests', 'the instance is being logged out already; wait for the new code', { retryAfterMs: 5_000 });
    // The provider takes one call a second.
    return locks.alone(startOverLockKey(namespace, session.instanceKey), { leaseMs: TURN_MS, restMs: MIN_SPACING_MS, taken }, async () => {
      if (await passwords.isAny(session.instanceKey))
        throw new RefusedError('too_many_requests', 'a password is being checked, which may finish the login; wait for its answer', {
          retryAfterMs: 2_000,
        });
      return run();
    });
  }

  /** The session may show a code or an account by now, which is not for a ticket with the scope `password` alone. */
  async function notWaiting(session: Session, mayView: boolean, why: string): Promise<RefusedError> {
    return new RefusedError('not_waiting_for_password', why, mayView ? { session: await show(session.id) } : {});
  }

  async function answered(session: Session, startedAt: number, outcome: Outcome): Promise<void> {
    await watching.apply(session.id, { kind: 'answered', at: clock.now(), startedAt, jitter: Math.random(), outcome });
  }

  /** Not while the provider wants no request to the instance. */
  async function ask(session: Session, method: PollMethod): Promise<{ startedAt: number; outcome: Outcome }> {
    const credentials = await instanceCredentials.require(session);
    const startedAt = clock.now();
    const retryAfterMs = await holds.retryAfterMs(session.instanceKey);
    if (retryAfterMs > 0) return { startedAt, outcome: { kind: 'trouble', code: 'rate_limited', retryAfterMs: Math.ceil(retryAfterMs) } };
    const request = (): Promise<Outcome> => provider.poll(credentials, method);
    const outcome = await (method === 'logout' ? connected.duringLogout(session, request) : request());
    if (outcome.kind === 'trouble' && outcome.retryAfterMs !== undefined)
      await holds.keepRetryAfter(session.instanceKey, outcome.retryAfterMs);
    return { startedAt, outcome };
  }

  /** A poll may have asked within the same second. */
  async function askState(session: Session): Promise<{ startedAt: number; outcome: Outcome }> {
    const first = await ask(session, 'state');
    const { outcome } = first;
    if (outcome.kind !== 'trouble' || outcome.code !== 'rate_limited' || (outcome.retryAfterMs ?? 0) > MIN_SPACING_MS) return first;
    await delay(MIN_SPACING_MS);
    return ask(session, 'state');
  }

  /** When the instance needs no logout any more, or was logged out. @throws {RefusedError} */
  async function leavePassword(session: Session, mayView: boolean): Promise<number> {
    const { startedAt, outcome } = await askState(session);
    if (outcome.kind === 'notAuthorized') return startedAt;
    if (outcome.kind === 'passwordWanted') {
      const logout = await ask(session, 'logout');
      if (logout.outcome.kind === 'loggedOut') return logout.startedAt;
      throw unavailable('did not log the instance out', logout.outcome);
    }
    if (outcome.kind === 'refused' || (outcome.kind === 'trouble' && outcome.code !== 'instance_starting'))
      throw unavailable('did not tell the state of the instance', outcome);
    await answered(session, startedAt, outcome);
    throw await notWaiting(session, mayView, 'the provider waits for no password any more; the session shows what it says');
  }

  return {
    async begin(session, mayView) {
      if (session.state.kind !== 'password')
        throw await notWaiting(session, mayView, `the session is ${session.state.kind}; only the password step can be left for a new code`);
      if (session.startOvers >= MAX_START_OVERS)
        throw new RefusedError('too_many_requests', `the password step was left ${MAX_START_OVERS} times; create a new session`, {
          retryAfterMs: Math.max(1_000, session.expiresAt - clock.now()), // it would be another session then
        });
      return inTurn(session, async () => {
        const startedAt = await leavePassword(session, mayView);
        const changed = await watching.change(session.id, { kind: 'startedOver', at: clock.now(), startedAt });
        if (changed === null) throw new RefusedError('not_found', 'there is no such session, or it is not yours');
        if (changed.after.startOvers === changed.before.startOvers)
          throw await notWaiting(session, mayView, `the session is ${changed.after.state.kind} by now`);
        return (await watching.start(session.id)) ?? changed.after;
      });
    },
  };
}

function unavailable(what: string, outcome: Outcome): RefusedError {
  const why = outcome.kind === 'trouble' ? outcome.code : outcome.kind === 'refused' ? outcome.reason : outcome.kind;
  const retryAfterMs = (outcome.kind === 'trouble' ? outcome.retryAfterMs : undefined) ?? 2_000;
  return new RefusedError('unavailable', `the provider ${what} (${why}); try again`, { retryAfterMs });
}
