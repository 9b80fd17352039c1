/**
 * The changes that the session machine is made of. Each returns a new session with a higher
 * version.
 */

import type { Outcome } from './outcome.ts';
import type { Policy } from './schedule.ts';
import { type EndReason, isPolled, type Notice, type Session } from './session.ts';

/**
 * The provider answered a request that started at `startedAt`, or notified us then. `jitter` in [0,
 * 1) spreads retries. `isHostRefusing` says that many instances of the same host that had worked
 * are refused at this moment; then a refusal says little about this one.
 */
export interface Answered {
  readonly kind: 'answered';
  readonly at: number;
  readonly startedAt: number;
  readonly jitter: number;
  readonly outcome: Outcome;
  readonly isHostRefusing?: boolean | undefined;
}

type Change = Partial<
  Pick<
    Session,
    | 'state'
    | 'relink'
    | 'logoutsLeft'
    | 'login'
    | 'isUnwatched'
    | 'isProven'
    | 'next'
    | 'failures'
    | 'refusals'
    | 'refusedSince'
    | 'newsFrom'
    | 'startedAt'
    | 'deadlineAt'
  >
>;

/**
 * A change that viewers must be told whole. Clears `isUnwatched` where the session is no longer
 * live.
 */
export function tell(session: Session, change: Change): Session {
  const version = session.version + 1;
  const changed = { ...session, ...change, version, toldVersion: version };
  return changed.isUnwatched && !isPolled(changed) ? { ...changed, isUnwatched: false } : changed;
}

/** A change that shows viewers at most a later `staleAt`. */
export function keep(session: Session, change: Change): Session {
  return { ...session, ...change, version: session.version + 1 };
}

/** Sets the notice of a live state; an idle session has none. */
export function note(session: Session, notice: Notice): Session {
  const { state } = session;
  if (state.kind === 'waiting' || state.kind === 'showing' || state.kind === 'password')
    return tell(session, { state: { ...state, notice } });
  return keep(session, {});
}

export function end(session: Session, reason: EndReason): Session {
  return tell(session, { state: { kind: 'ended', reason } });
}

/**
 * Begins a new attempt. If the provider was finishing a login or wanted a password, that may still
 * be so, and its state is asked before a code.
 */
export function startAttempt(policy: Policy, session: Session, at: number): Session {
  const isUnderWay = session.login === 'finishing' || session.login === 'password';
  return tell(session, {
    state: { kind: 'waiting', notice: null },
    login: isUnderWay ? session.login : 'none',
    isUnwatched: false,
    next: { ask: isUnderWay ? 'state' : 'qr', at },
    failures: 0,
    refusals: 0,
    refusedSince: null,
    newsFrom: at,
    startedAt: at,
    deadlineAt: Math.min(at + policy.attemptMs, session.expiresAt),
  });
}
