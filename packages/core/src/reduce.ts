/**
 * The session machine: what every event does to a session in every state. SPEC.md is its table in words, reduce.test.ts its table in code.
 *
 * - Total: every state has an answer to every event. No change returns the same reference.
 * - Time passes first: an event at `t` finds the session as it is at `t`, so no code outlives `staleAt` and no attempt its deadline.
 * - Fenced: an answer whose request started before that of the last accepted one is ignored; a terminal session ignores all answers.
 * - An accepted answer always raises `version` (the fence moved); `toldVersion` follows only if there is something to tell a viewer.
 */

import type { Account, NoticeCode, Outcome, RefusalReason } from './outcome.ts';
import {
  FAILURES_UNTIL_DOWN,
  followUpAt,
  isFault,
  LOGOUTS_ON_MISMATCH,
  nextSlotAt,
  type Policy,
  REFUSALS_UNTIL_END,
  retryDelay,
} from './schedule.ts';
import {
  type Code,
  type EndReason,
  isLoggingOut,
  isPolled,
  isResumable,
  isTerminal,
  type Notice,
  nextElapseAt,
  type Session,
} from './session.ts';

/** `at` is when the event happened, Unix ms. */
export type SessionEvent =
  /** Somebody watches. */
  | { readonly kind: 'watched'; readonly at: number }
  /** Nobody has watched for the whole grace. */
  | { readonly kind: 'unwatched'; readonly at: number }
  /** A viewer or the tenant wants a new attempt. */
  | { readonly kind: 'resumed'; readonly at: number }
  | { readonly kind: 'cancelled'; readonly at: number }
  /** Nothing but time passed. */
  | { readonly kind: 'elapsed'; readonly at: number }
  /** A request is still unanswered; it will be given up at `retryAt`. */
  | { readonly kind: 'slow'; readonly at: number; readonly startedAt: number; readonly retryAt: number }
  /** The account's password was handed over and refused. */
  | { readonly kind: 'passwordRefused'; readonly at: number; readonly code: 'password_rejected' | 'password_rate_limited' }
  /** The provider answered a request that started at `startedAt`, or notified us then. `jitter` in [0, 1) spreads retries. */
  | { readonly kind: 'answered'; readonly at: number; readonly startedAt: number; readonly jitter: number; readonly outcome: Outcome };

/** What a refused password left behind stands until the next try. */
const PASSWORD_NOTICES: ReadonlySet<NoticeCode> = new Set<NoticeCode>(['password_rejected', 'password_rate_limited']);

type Answered = Extract<SessionEvent, { kind: 'answered' }>;

export function reduce(policy: Policy, session: Session, event: SessionEvent): Session {
  const current = elapse(session, event.at);
  switch (event.kind) {
    case 'watched':
      return current.state.kind === 'idle' ? startAttempt(policy, current, event.at) : current;
    case 'unwatched':
      return isPolled(current) && !isLoggingOut(current) ? tell(current, { state: { kind: 'idle' } }) : current;
    case 'resumed':
      return isResumable(current) ? startAttempt(policy, current, event.at) : current;
    case 'cancelled':
      return !isTerminal(current) || isResumable(current) ? end(current, 'cancelled') : current;
    case 'elapsed':
      return current;
    case 'slow':
      return isPolled(current) && event.startedAt > current.fence
        ? note({ ...current, fence: event.startedAt }, { code: 'provider_timeout', retryAt: event.retryAt })
        : current;
    case 'passwordRefused':
      return current.state.kind === 'password'
        ? tell(current, { state: { kind: 'password', notice: { code: event.code, retryAt: event.at } } })
        : current;
    case 'answered':
      return answer(policy, current, event);
    default:
      return event satisfies never;
  }
}

/** An idle session takes answers too: one may be under way when the last viewer leaves. */
function answer(policy: Policy, current: Session, event: Answered): Session {
  if (event.startedAt < current.fence) return current;
  if (isTerminal(current)) return lateLogin(policy, current, event);
  const session = { ...current, fence: event.startedAt };
  if (session.logoutsLeft !== null) return loggingOut(policy, session, event, session.logoutsLeft);
  const { outcome } = event;
  switch (outcome.kind) {
    case 'code':
      return showCode(policy, session, event, outcome);
    case 'authorized':
      return authorize(policy, session, event, outcome.account);
    case 'notAuthorized':
      return keepWaiting(policy, session, event);
    case 'passwordWanted':
      return askPassword(policy, session, event);
    case 'loggedOut':
      return troubled(policy, session, event, { code: 'instance_starting' });
    case 'trouble':
      return troubled(policy, session, event, outcome);
    case 'refused':
      return refuse(session, event, outcome.reason);
    default:
      return outcome satisfies never;
  }
}

function showCode(policy: Policy, session: Session, event: Answered, { digest, text }: Extract<Outcome, { kind: 'code' }>): Session {
  const healthy = {
    ...unlinked(session, event),
    failures: 0,
    refusals: 0,
    next: { ask: 'qr', at: nextSlotAt(policy, event.startedAt, event.at) },
  } as const;
  const staleAt = event.at + policy.codeTtlMs;
  const { state } = session;
  // A poll that was under way when the last viewer left: true, but nobody may be shown it.
  if (state.kind === 'idle') return keep(session, healthy);
  if (state.kind === 'showing' && isSameCode(state.code, { digest, text })) {
    const code: Code = { ...state.code, text: state.code.text ?? text, staleAt };
    const change = { ...healthy, state: { kind: 'showing', code, notice: null } } as const;
    return state.notice === null && code.text === state.code.text ? keep(session, change) : tell(session, change);
  }
  const code: Code = { digest, text, issuedAt: event.at, staleAt };
  return tell(session, { ...healthy, state: { kind: 'showing', code, notice: null } });
}

/** Two pictures that say the same are one code, and the first of them stays. */
function isSameCode(shown: Code, { digest, text }: Pick<Code, 'digest' | 'text'>): boolean {
  return shown.digest === digest || (text !== null && shown.text === text);
}

/** The provider answered as not linked: what was to be logged out is, and only news from now on can tell of a new login. */
function unlinked(session: Session, event: Answered): Pick<Session, 'relink' | 'newsFrom'> {
  return session.relink ? { relink: false, newsFrom: event.at } : { relink: false, newsFrom: session.newsFrom };
}

function authorize(policy: Policy, before: Session, event: Answered, account: Account | null): Session {
  const session = { ...before, failures: 0, refusals: 0 };
  const slot = nextSlotAt(policy, event.startedAt, event.at);
  // Follow up at once, but once: where a refusal led here, or the account method itself did not tell the phone, the interval holds.
  const soon = before.refusals > 0 || before.next.ask === 'account' ? slot : followUpAt(event.startedAt, event.at);
  if (session.relink) {
    // The old login: it must go first. The new one cannot come before a code was shown, which clears `relink`.
    return waitFor(session, 'logout', { code: 'instance_starting', retryAt: soon });
  }
  if (session.expectedPhone === null)
    return tell(session, { state: { kind: 'connected', account: account ?? { wid: null, phone: null } } });
  if (account === null || account.phone === null) return waitFor(session, 'account', { code: 'provider_not_ready', retryAt: soon });
  if (account.phone === session.expectedPhone) return tell(session, { state: { kind: 'connected', account } });
  return session.logoutOnMismatch
    ? logOut(policy, session, event, followUpAt(event.startedAt, event.at))
    : end(session, 'account_mismatch');
}

/** Somebody else's account is in the instance, and that does not wait for a viewer. */
function logOut(policy: Policy, session: Session, event: Answered, soon: number): Session {
  const attempt = session.state.kind === 'idle' ? startAttempt(policy, session, event.at) : session;
  const change = { logoutsLeft: LOGOUTS_ON_MISMATCH, next: { ask: 'logout', at: soon } } as const;
  return tell(attempt, { ...change, state: { kind: 'waiting', notice: { code: 'provider_not_ready', retryAt: soon } } });
}

/** What the logout came to. Whatever the provider says, the session ends `account_mismatch`, after a few tries at the latest. */
function loggingOut(policy: Policy, session: Session, event: Answered, logoutsLeft: number): Session {
  const { outcome } = event;
  const isLinkedStill = outcome.kind === 'authorized' || outcome.kind === 'trouble' || outcome.kind === 'refused';
  if (!isLinkedStill || logoutsLeft <= 1) return end(session, 'account_mismatch');
  const trouble = outcome.kind === 'trouble' ? outcome : { code: 'provider_refused' as const };
  const at = retryAt(policy, event, trouble, LOGOUTS_ON_MISMATCH - logoutsLeft + 1);
  const change = { logoutsLeft: logoutsLeft - 1, next: { ask: 'logout', at } } as const;
  return tell(session, { ...change, state: { kind: 'waiting', notice: { code: trouble.code, retryAt: at } } });
}

/** A scan in the last second of an attempt, told after its end, is still a login. Anything less comes too late. */
function lateLogin(policy: Policy, session: Session, event: Answered): Session {
  if (!isResumable(session) || event.outcome.kind !== 'authorized') return session;
  const next = authorize(policy, { ...session, fence: event.startedAt }, event, event.outcome.account);
  return next.state.kind === 'connected' ? next : session;
}

/** The code a login was made with is used up; so it is not shown while we prepare or verify. */
function waitFor(session: Session, ask: 'logout' | 'account', notice: Notice): Session {
  const next = { ask, at: notice.retryAt };
  if (session.state.kind === 'idle') return keep(session, { next });
  return tell(session, { state: { kind: 'waiting', notice }, next });
}

function keepWaiting(policy: Policy, session: Session, event: Answered): Session {
  const at = session.refusals > 0 ? nextSlotAt(policy, event.startedAt, event.at) : followUpAt(event.startedAt, event.at);
  const healthy = { ...unlinked(session, event), refusals: 0, next: { ask: 'qr', at } } as const;
  const { state } = session;
  if (state.kind === 'password') return tell(session, { ...healthy, state: { kind: 'waiting', notice: null } });
  if ((state.kind !== 'waiting' && state.kind !== 'showing') || state.notice === null) return keep(session, healthy);
  // The instance is well, but the code endpoint was not: only a code ends that trouble.
  const notice = isFault(state.notice.code) ? { ...state.notice, retryAt: at } : null;
  return tell(session, { ...healthy, state: { ...state, notice } });
}

/** The state method tells when a password is no longer wanted; asking for a code could start a new login under the person's fingers. */
function askPassword(policy: Policy, session: Session, event: Answered): Session {
  const next = { ask: 'state', at: nextSlotAt(policy, event.startedAt, event.at) } as const;
  const healthy = { ...unlinked(session, event), failures: 0, refusals: 0, next };
  const { state } = session;
  const isTold = state.kind === 'password' && (state.notice === null || PASSWORD_NOTICES.has(state.notice.code));
  if (isTold || state.kind === 'idle') return keep(session, healthy);
  return tell(session, { ...healthy, state: { kind: 'password', notice: null } });
}

type Trouble = Omit<Extract<Outcome, { kind: 'trouble' }>, 'kind'>;

function retryAt(policy: Policy, event: Answered, { code, retryAfterMs }: Trouble, failures: number): number {
  const counted = Math.max(code === 'rate_limited' ? 2 : 1, failures);
  const delay = retryDelay(policy, { code, failures: counted, retryAfterMs, jitter: event.jitter });
  return Math.max(event.startedAt + delay, event.at + (retryAfterMs ?? 0), followUpAt(event.startedAt, event.at));
}

function troubled(policy: Policy, session: Session, event: Answered, trouble: Trouble): Session {
  const { code } = trouble;
  const failures = isFault(code) ? session.failures + 1 : session.failures;
  if (failures >= FAILURES_UNTIL_DOWN) return end({ ...session, failures }, 'provider_down');
  const at = retryAt(policy, event, trouble, failures);
  const counted = {
    ...session,
    failures,
    next: { ask: askAfterTrouble(session, code !== 'rate_limited' && code !== 'instance_starting'), at },
  };
  return note(counted, { code, retryAt: at });
}

/** A fault of the code endpoint hides what the instance is up to: ask the other method, and the code again after that. */
function askAfterTrouble(session: Session, hides: boolean): Session['next']['ask'] {
  if (session.state.kind === 'password') return 'state';
  if (session.next.ask === 'account') return 'account';
  return hides && session.next.ask === 'qr' ? 'state' : 'qr';
}

function refuse(session: Session, event: Answered, reason: RefusalReason): Session {
  const refusals = session.refusals + 1;
  if (refusals >= REFUSALS_UNTIL_END) return end({ ...session, refusals }, reason);
  const at = followUpAt(event.startedAt, event.at);
  const ask = session.next.ask === 'state' && session.state.kind !== 'password' ? 'qr' : 'state';
  return note({ ...session, refusals, next: { ask, at } }, { code: 'provider_refused', retryAt: at });
}

/** Sets the notice of a live state; an idle session has none. */
function note(session: Session, notice: Notice): Session {
  const { state } = session;
  if (state.kind === 'waiting' || state.kind === 'showing' || state.kind === 'password')
    return tell(session, { state: { ...state, notice } });
  return keep(session, {});
}

function startAttempt(policy: Policy, session: Session, at: number): Session {
  return tell(session, {
    state: { kind: 'waiting', notice: null },
    next: { ask: 'qr', at },
    failures: 0,
    refusals: 0,
    newsFrom: at,
    startedAt: at,
    deadlineAt: Math.min(at + policy.attemptMs, session.expiresAt),
  });
}

function end(session: Session, reason: EndReason): Session {
  return tell(session, { state: { kind: 'ended', reason } });
}

/** The session as it is at `at`, if nothing but time passed since the last event. */
function elapse(session: Session, at: number): Session {
  if (at < nextElapseAt(session)) return session;
  if (isLoggingOut(session)) return end(session, 'account_mismatch');
  if (at >= session.expiresAt) return end(session, 'expired');
  if (at >= session.deadlineAt) return end(session, 'deadline');
  if (session.state.kind !== 'showing') return session;
  return tell(session, { state: { kind: 'waiting', notice: session.state.notice } });
}

type Change = Partial<
  Pick<Session, 'state' | 'relink' | 'logoutsLeft' | 'next' | 'failures' | 'refusals' | 'newsFrom' | 'startedAt' | 'deadlineAt'>
>;

/** A change viewers must be told whole. */
function tell(session: Session, change: Change): Session {
  const version = session.version + 1;
  return { ...session, ...change, version, toldVersion: version };
}

/** A change that leaves viewers with at most a later `staleAt`. */
function keep(session: Session, change: Change): Session {
  return { ...session, ...change, version: session.version + 1 };
}
