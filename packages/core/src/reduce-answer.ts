/**
 * What the provider's answers do to a session. An answer is accepted if its request started after
 * the last accepted one's. So an answer that comes twice counts once.
 */

import type { Account, NoticeCode, Outcome } from './outcome.ts';
import { type Answered, end, keep, startAttempt, tell } from './reduce-change.ts';
import { refuse, retryAt, slotAt, troubled } from './reduce-trouble.ts';
import { followUpAt, isFault, LOGOUTS_ON_MISMATCH, type Policy } from './schedule.ts';
import { asksStateOnly, type Code, isPolled, isResumable, isTerminal, type Notice, type Session } from './session.ts';

/** Notices of a refused password. They stand until the next try. */
const PASSWORD_NOTICES: ReadonlySet<NoticeCode> = new Set<NoticeCode>(['password_rejected', 'password_rate_limited']);

/** An idle session takes answers too, because one may be under way when the last viewer leaves. */
export function reduceAnswer(policy: Policy, current: Session, event: Answered): Session {
  if (event.startedAt <= current.fence) return current;
  if (isTerminal(current)) return lateLogin(policy, current, event);
  const session = { ...current, fence: event.startedAt };
  if (session.logoutsLeft !== null) return loggingOut(policy, session, event, session.logoutsLeft);
  const { outcome } = event;
  switch (outcome.kind) {
    case 'code':
      return showCode(policy, session, event, outcome);
    case 'authorized':
      return authorize(policy, session, event, outcome.account);
    case 'suspended':
      return authorize(policy, session, event, 'unknown');
    case 'notAuthorized':
      return keepWaiting(policy, session, event);
    case 'passwordWanted':
      return askPassword(policy, session, event);
    case 'loggedOut':
      return troubled(policy, withoutLogin(session), event, { code: 'instance_starting' });
    case 'trouble':
      return troubled(policy, session, event, outcome);
    case 'refused':
      return refuse(policy, session, event, outcome.reason);
    default:
      return outcome satisfies never;
  }
}

/** The credentials work, and nothing was wrong with this answer. */
const HEALTHY = { isProven: true, failures: 0, refusals: 0, refusedSince: null } as const;

function showCode(policy: Policy, session: Session, event: Answered, { digest, text }: Extract<Outcome, { kind: 'code' }>): Session {
  const staleAt = event.at + policy.codeTtlMs;
  const { state } = session;
  const healthy = { ...unlinked(session, event), ...HEALTHY };
  const next = { ask: session.isUnwatched ? 'state' : 'qr', at: slotAt(policy, session, event) } as const;
  // This poll was under way when the last viewer left. Its code is true, but nobody may be shown
  // it.
  if (state.kind === 'idle') return keep(session, { ...healthy, login: 'none', next });
  const change = { ...healthy, login: 'offered', next } as const;
  if (state.kind === 'showing' && isSameCode(state.code, { digest, text })) {
    const code: Code = { ...state.code, text: state.code.text ?? text, staleAt };
    const same = { ...change, state: { kind: 'showing', code, notice: null } } as const;
    return state.notice === null && code.text === state.code.text ? keep(session, same) : tell(session, same);
  }
  const code: Code = { digest, text, issuedAt: event.at, staleAt };
  return tell(session, { ...change, state: { kind: 'showing', code, notice: null } });
}

/** After a logout an earlier code or password step is worth nothing. */
function withoutLogin(session: Session): Session {
  return { ...session, login: 'none', state: isPolled(session) ? { kind: 'waiting', notice: null } : session.state };
}

/** Two pictures with the same text are one code. The first of them stays. */
function isSameCode(shown: Code, { digest, text }: Pick<Code, 'digest' | 'text'>): boolean {
  return shown.digest === digest || (text !== null && shown.text === text);
}

/**
 * The provider says that the instance is not linked. So the logout that `relink` wants is done, and
 * only news from now on can tell of a new login.
 */
function unlinked(session: Session, event: Answered): Pick<Session, 'relink' | 'newsFrom'> {
  return session.relink ? { relink: false, newsFrom: event.at } : { relink: false, newsFrom: session.newsFrom };
}

/**
 * `account` is null if the method does not tell whose account it is. It is `unknown` if the answer
 * proves no login; then only an account with a phone does.
 */
function authorize(policy: Policy, before: Session, event: Answered, account: Account | null | 'unknown'): Session {
  const session = { ...before, ...HEALTHY };
  const slot = slotAt(policy, session, event);
  // The first follow-up comes at once. After a refusal, or if the account method itself did not
  // tell the phone, the interval holds.
  const soon = before.refusedSince !== null || before.next.ask === 'account' ? slot : followUpAt(event.startedAt, event.at);
  if (session.relink) {
    // This is the old login, which must be ended first. The new one cannot come before a code is
    // shown, and showing a code clears `relink`.
    return waitFor(session, 'logout', { code: 'instance_starting', retryAt: soon });
  }
  if (account === 'unknown') {
    // If the account method has just told no phone, the code method is the other one that can prove
    // a login.
    const ask = before.next.ask !== 'account' ? 'account' : asksStateOnly(session) ? 'state' : 'qr';
    return waitFor(session, ask, { code: 'provider_not_ready', retryAt: soon });
  }
  if (session.expectedPhone === null)
    return tell(session, { state: { kind: 'connected', account: account ?? { wid: null, phone: null } } });
  if (account === null || account.phone === null) return waitFor(session, 'account', { code: 'provider_not_ready', retryAt: soon });
  if (account.phone === session.expectedPhone) return tell(session, { state: { kind: 'connected', account } });
  return session.logoutOnMismatch
    ? logOut(policy, session, event, followUpAt(event.startedAt, event.at))
    : end(session, 'account_mismatch');
}

/** Another account is linked. It is logged out whether anybody watches or not. */
function logOut(policy: Policy, session: Session, event: Answered, soon: number): Session {
  const attempt = session.state.kind === 'idle' ? startAttempt(policy, session, event.at) : session;
  const change = { logoutsLeft: LOGOUTS_ON_MISMATCH, isUnwatched: false, next: { ask: 'logout', at: soon } } as const;
  return tell(attempt, { ...change, state: { kind: 'waiting', notice: { code: 'provider_not_ready', retryAt: soon } } });
}

/**
 * Judges the answer to a logout of the wrong account. Whatever the provider says, the session ends
 * `account_mismatch`, after a few tries at the latest.
 */
function loggingOut(policy: Policy, session: Session, event: Answered, logoutsLeft: number): Session {
  const { kind } = event.outcome;
  const isLinkedStill = kind === 'authorized' || kind === 'suspended' || kind === 'trouble' || kind === 'refused';
  if (!isLinkedStill || logoutsLeft <= 1) return end(session, 'account_mismatch');
  const trouble = event.outcome.kind === 'trouble' ? event.outcome : { code: 'provider_refused' as const };
  const at = retryAt(policy, session, event, trouble, LOGOUTS_ON_MISMATCH - logoutsLeft + 1);
  const change = { logoutsLeft: logoutsLeft - 1, next: { ask: 'logout', at } } as const;
  return tell(session, { ...change, state: { kind: 'waiting', notice: { code: trouble.code, retryAt: at } } });
}

/**
 * A scan in the last second of an attempt, told after its end, is still a login. Any other answer
 * comes too late.
 */
function lateLogin(policy: Policy, session: Session, event: Answered): Session {
  if (!isResumable(session) || event.outcome.kind !== 'authorized') return session;
  const next = authorize(policy, { ...session, fence: event.startedAt }, event, event.outcome.account);
  return next.state.kind === 'connected' ? next : session;
}

/** A login uses its code up, so no code is shown while the session prepares or verifies. */
function waitFor(session: Session, ask: Session['next']['ask'], notice: Notice): Session {
  const next = { ask, at: notice.retryAt };
  if (session.state.kind === 'idle') return keep(session, { next });
  return tell(session, { state: { kind: 'waiting', notice }, next });
}

/** The instance waits for a scan. A login that was under way is over, so codes may come again. */
function keepWaiting(policy: Policy, session: Session, event: Answered): Session {
  const { state } = session;
  const wasAskedAtOnce = 'notice' in state && state.notice?.code === 'provider_not_ready' && session.login === 'offered';
  const isSoon = session.refusedSince === null && !session.isUnwatched && !wasAskedAtOnce;
  const at = isSoon ? followUpAt(event.startedAt, event.at) : slotAt(policy, session, event);
  const login = session.login === 'offered' ? 'offered' : 'none';
  const healthy = { ...unlinked(session, event), ...HEALTHY, failures: session.failures, login } as const;
  const change = { ...healthy, next: { ask: session.isUnwatched ? 'state' : 'qr', at } } as const;
  if (state.kind === 'password') return tell(session, { ...change, state: { kind: 'waiting', notice: null } });
  if ((state.kind !== 'waiting' && state.kind !== 'showing') || state.notice === null) return keep(session, change);
  if (state.notice.code === 'provider_slow') return keep(session, change); // it is about the host, and ends with `hostFine`
  // The instance is well, but the code endpoint was not. Only a code ends that trouble.
  const notice = isFault(state.notice.code) ? { ...state.notice, retryAt: at } : null;
  return tell(session, { ...change, state: { ...state, notice } });
}

/**
 * Only the state method is asked: it tells when the password is no longer wanted. A request for a
 * code could start a new login while the person types.
 */
function askPassword(policy: Policy, session: Session, event: Answered): Session {
  const next = { ask: 'state', at: slotAt(policy, session, event) } as const;
  const change = { ...unlinked(session, event), ...HEALTHY, login: 'password', next } as const;
  const { state } = session;
  const isTold = state.kind === 'password' && (state.notice === null || PASSWORD_NOTICES.has(state.notice.code));
  if (isTold || state.kind === 'idle') return keep(session, change);
  return tell(session, { ...change, state: { kind: 'password', notice: null } });
}
