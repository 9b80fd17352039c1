/**
 * The session machine: what every event does to a session in every state. SPEC.md has its table in
 * words, reduce.test.ts in code. reduce-answer.ts holds what the provider's answers do.
 *
 * - Total: every state has an answer to every event. If nothing changes, the same reference is
 *   returned.
 * - Time passes first: an event at `t` finds the session as it is at `t`. So no code outlives
 *   `staleAt`, and no attempt its deadline.
 * - Fenced: an answer is ignored unless its request started after that of the last accepted answer.
 *   So an answer that comes twice counts once. A terminal session ignores answers, except a login
 *   after a resumable end.
 * - An accepted answer always raises `version`, because the fence has moved. `toldVersion` follows
 *   only if a viewer has to be told.
 * - Dated: the version of a change that is told is at least its time (renumber.ts).
 */

import { noteProgress } from './attempt-progress.ts';
import { hostNews } from './host-weather.ts';
import { reduceAnswer } from './reduce-answer.ts';
import { type Answered, end, keep, note, startAttempt, tell } from './reduce-change.ts';
import { dateVersion } from './renumber.ts';
import { followUpAt, MAX_START_OVERS, nextSlotAt, type Policy, UNWATCHED_INTERVALS } from './schedule.ts';
import { asksStateOnly, isLoggingOut, isPolled, isResumable, isTerminal, nextElapseAt, type Session } from './session.ts';

/** `at` is when the event happened, Unix ms. */
export type SessionEvent =
  /** Somebody watches. */
  | { readonly kind: 'watched'; readonly at: number }
  /** All who watch have hidden the page; they may be approving the login in another app. */
  | { readonly kind: 'hidden'; readonly at: number }
  /** Nobody has watched for the whole grace. */
  | { readonly kind: 'unwatched'; readonly at: number }
  /**
   * Nobody watches, and the login must not be followed any further: the tenant is suspended or
   * gone.
   */
  | { readonly kind: 'abandoned'; readonly at: number }
  /** A viewer or the tenant wants a new attempt. */
  | { readonly kind: 'resumed'; readonly at: number }
  /**
   * The instance was logged out, by a request that started at `startedAt`, because the person wants
   * a new code instead of the password.
   */
  | { readonly kind: 'startedOver'; readonly at: number; readonly startedAt: number }
  | { readonly kind: 'cancelled'; readonly at: number }
  /** Nothing but time passed. */
  | { readonly kind: 'elapsed'; readonly at: number }
  /**
   * A request is still unanswered; it will be given up at `retryAt`. Answers to earlier ones are
   * ignored from now on, its own is not.
   */
  | { readonly kind: 'slow'; readonly at: number; readonly startedAt: number; readonly retryAt: number }
  /**
   * Somebody began to watch while a Retry-After of the provider holds for the instance. No request
   * is made before `retryAt`.
   */
  | { readonly kind: 'postponed'; readonly at: number; readonly retryAt: number }
  /**
   * A request is about to start at a host that answers most requests of all tenants slowly, or does so
   * no more. Only a session that waits is told, and only if it knows nothing better.
   */
  | { readonly kind: 'hostSlow' | 'hostFine'; readonly at: number }
  /** The account's password was handed over and refused. */
  | { readonly kind: 'passwordRefused'; readonly at: number; readonly code: 'password_rejected' | 'password_rate_limited' }
  | Answered;

export function reduce(policy: Policy, session: Session, event: SessionEvent): Session {
  const dated = dateVersion(session, event.at);
  const changed = react(policy, dated, event);
  if (changed === dated) return session;
  const next = noteProgress(dated, changed, event.at);
  const isTold = next.toldVersion !== dated.toldVersion;
  // A change that is only kept must not go above a lost one: nobody would see the loss.
  return isTold ? next : { ...next, version: session.version + next.version - dated.version };
}

function react(policy: Policy, session: Session, event: SessionEvent): Session {
  const current = elapse(session, event.at);
  switch (event.kind) {
    case 'watched':
      return current.state.kind === 'idle' ? startAttempt(policy, current, event.at) : lookAgain(policy, current, event.at);
    case 'hidden':
      return isFollowed(current) ? lookAway(policy, current) : current;
    case 'unwatched':
      return isFollowed(current) ? lookAway(policy, current) : idle(current);
    case 'abandoned':
      return idle(current);
    case 'resumed':
      return isResumable(current) ? startAttempt(policy, current, event.at) : current;
    case 'startedOver':
      return mayStartOver(current, event.at) ? startOver(policy, current, event) : current;
    case 'cancelled':
      return !isTerminal(current) || isResumable(current) ? end(current, 'cancelled') : current;
    case 'elapsed':
      return current;
    case 'slow':
      return isPolled(current) && event.startedAt > current.fence
        ? note({ ...current, fence: event.startedAt - 1 }, { code: 'provider_timeout', retryAt: event.retryAt })
        : current;
    case 'postponed':
      return isPolled(current) && event.at >= current.fence ? postpone(current, event.retryAt) : current;
    case 'hostSlow':
      return hostNews(current, 'slow') === 'hostSlow' ? note(current, { code: 'provider_slow', retryAt: event.at }) : current;
    case 'hostFine':
      return hostNews(current, 'fine') === 'hostFine' ? tell(current, { state: { kind: 'waiting', notice: null } }) : current;
    case 'passwordRefused':
      return current.state.kind === 'password'
        ? tell(current, { state: { kind: 'password', notice: { code: event.code, retryAt: event.at } } })
        : current;
    case 'answered':
      return reduceAnswer(policy, current, event);
    default:
      return event satisfies never;
  }
}

/** Whether a login may be under way. Then the attempt goes on even while nobody looks. */
function isFollowed(session: Session): boolean {
  return isPolled(session) && session.login !== 'none';
}

/** Makes a live session idle, unless it logs a wrong account out: that needs no viewer. */
function idle(session: Session): Session {
  return isPolled(session) && !isLoggingOut(session) ? tell(session, { state: { kind: 'idle' } }) : session;
}

/** From now on only the state method is asked, at a slower pace. */
function lookAway(policy: Policy, session: Session): Session {
  if (session.isUnwatched || isLoggingOut(session)) return session;
  const ask = session.next.ask === 'qr' ? 'state' : session.next.ask;
  const at = Math.max(session.next.at, session.fence + policy.intervalMs * UNWATCHED_INTERVALS);
  return keep(session, { isUnwatched: true, next: { ask, at } });
}

/**
 * Somebody looks again. The state is asked first, because a request for a code could start a new
 * login. The code follows within seconds. Within the interval of the last request everything goes
 * on as if nobody had looked away. Otherwise a person who switches to and fro would speed up the
 * polls.
 */
function lookAgain(policy: Policy, session: Session, at: number): Session {
  if (!session.isUnwatched) return session;
  const seen = { ...session, isUnwatched: false };
  const slot = session.fence + policy.intervalMs;
  const isRecent = at < slot;
  const { ask } = session.next;
  const usual = ask === 'state' && isRecent && !asksStateOnly(seen) ? 'qr' : ask;
  const soon = isRecent ? slot : followUpAt(session.fence, at);
  const isLimited = 'notice' in session.state && session.state.notice?.code === 'rate_limited';
  return keep(seen, { next: { ask: usual, at: isLimited ? Math.max(soon, session.next.at) : soon } });
}

/**
 * No answer came, so neither the fence nor a count moves. The same is asked as before, only later.
 */
function postpone(session: Session, until: number): Session {
  const isTold = 'notice' in session.state && session.state.notice?.code === 'rate_limited' && session.state.notice.retryAt >= until;
  if (isTold) return session;
  const at = Math.max(session.next.at, until);
  return note({ ...session, next: { ...session.next, at } }, { code: 'rate_limited', retryAt: at });
}

/** A start-over sets `newsFrom` to its own time, so it counts once if it comes twice. */
function mayStartOver(session: Session, at: number): boolean {
  return isPolled(session) && !isLoggingOut(session) && session.startOvers < MAX_START_OVERS && at > session.newsFrom;
}

/**
 * The same attempt with a new deadline, so the counts of wrong passwords go on. The fence rises,
 * because answers from before the logout are out of date.
 */
function startOver(policy: Policy, session: Session, { at, startedAt }: Extract<SessionEvent, { kind: 'startedOver' }>): Session {
  const fence = Math.max(session.fence, startedAt);
  const retryAt = nextSlotAt(policy, fence, at);
  return tell(
    { ...session, fence, startOvers: session.startOvers + 1 },
    {
      state: { kind: 'waiting', notice: { code: 'instance_starting', retryAt } },
      login: 'none',
      isUnwatched: false,
      next: { ask: 'qr', at: retryAt },
      failures: 0,
      refusals: 0,
      refusedSince: null,
      newsFrom: at,
      deadlineAt: Math.min(at + policy.attemptMs, session.expiresAt),
    },
  );
}

/** The session as it is at `at`, if only time has passed since the last event. */
function elapse(session: Session, at: number): Session {
  if (at < nextElapseAt(session)) return session;
  if (isLoggingOut(session)) return end(session, 'account_mismatch');
  if (at >= session.expiresAt) return end(session, 'expired');
  if (at >= session.deadlineAt) return session.isUnwatched ? tell(session, { state: { kind: 'idle' } }) : end(session, 'deadline');
  if (session.state.kind !== 'showing') return session;
  return tell(session, { state: { kind: 'waiting', notice: session.state.notice } });
}
