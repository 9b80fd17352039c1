/**
 * Answers that brought nothing: when the provider is asked again, by which method, and when they
 * end the session.
 */

import type { NoticeCode, Outcome, RefusalReason } from './outcome.ts';
import { type Answered, end, keep, note, tell } from './reduce-change.ts';
import {
  FAILURES_UNTIL_DOWN,
  followUpAt,
  isFault,
  nextSlotAt,
  type Policy,
  REFUSALS_UNTIL_END,
  REFUSED_UNTIL_END_MS,
  retryDelay,
  UNWATCHED_INTERVALS,
} from './schedule.ts';
import { asksStateOnly, type Session } from './session.ts';

export type Trouble = Omit<Extract<Outcome, { kind: 'trouble' }>, 'kind'>;

/** The next due time on the session's grid. The grid is wider while nobody looks. */
export function slotAt(policy: Policy, session: Session, { startedAt, at }: Answered): number {
  return nextSlotAt(paceOf(policy, session), startedAt, at);
}

function paceOf(policy: Policy, session: Session): Policy {
  return session.isUnwatched ? { ...policy, intervalMs: policy.intervalMs * UNWATCHED_INTERVALS } : policy;
}

export function retryAt(policy: Policy, session: Session, event: Answered, { code, retryAfterMs }: Trouble, failures: number): number {
  const counted = Math.max(code === 'rate_limited' ? 2 : 1, failures);
  const delay = retryDelay(paceOf(policy, session), { code, failures: counted, retryAfterMs, jitter: event.jitter });
  return Math.max(event.startedAt + delay, event.at + (retryAfterMs ?? 0), followUpAt(event.startedAt, event.at));
}

/** The provider gives these only for instances whose token it has accepted. */
const KNOWS_US: ReadonlySet<NoticeCode> = new Set<NoticeCode>(['instance_starting', 'provider_not_ready']);

export function troubled(policy: Policy, session: Session, event: Answered, trouble: Trouble): Session {
  const { code } = trouble;
  if (code === 'instance_starting' && session.login !== 'none') return finishing(policy, session, event, trouble);
  const isProven = session.isProven || KNOWS_US.has(code);
  const failures = isFault(code) ? session.failures + 1 : session.failures;
  const at = mayBeScanned(session, code) ? followUpAt(event.startedAt, event.at) : retryAt(policy, session, event, trouble, failures);
  const hides = code !== 'rate_limited' && code !== 'instance_starting';
  const counted = { ...session, isProven, failures, next: { ask: askAfterTrouble(session, hides), at } };
  return failures >= FAILURES_UNTIL_DOWN ? giveUp(counted) : note(counted, { code, retryAt: at });
}

/**
 * If no code comes after one was shown, it may have been scanned, and the state method can tell. It
 * is asked at once, so that no person is left with a code that is used up. Afterwards the interval
 * holds (`keepWaiting`).
 */
function mayBeScanned(session: Session, code: NoticeCode): boolean {
  return code === 'provider_not_ready' && session.login === 'offered' && session.next.ask === 'qr';
}

/**
 * Ends the attempt `provider_down`. While nobody looks the session becomes or stays idle instead,
 * because nobody has to be told of that end.
 */
function giveUp(session: Session): Session {
  if (session.state.kind === 'idle') return keep(session, {});
  return session.isUnwatched ? tell(session, { state: { kind: 'idle' } }) : end(session, 'provider_down');
}

/**
 * An instance that starts after a code was shown is finishing a scanned login. The code is used up,
 * and no other one must be scanned.
 */
function finishing(policy: Policy, session: Session, event: Answered, trouble: Trouble): Session {
  const at = retryAt(policy, session, event, trouble, session.failures);
  const counted = { ...session, login: 'finishing', next: { ask: 'state', at } } as const;
  const { kind } = session.state;
  if (kind === 'idle') return note(counted, { code: 'login_finishing', retryAt: at });
  return tell(counted, { state: { kind: 'waiting', notice: { code: 'login_finishing', retryAt: at } } });
}

/**
 * A fault of the code endpoint hides the state of the instance (`hides`). So the state method is
 * asked next, and the code again after that.
 */
function askAfterTrouble(session: Session, hides: boolean): Session['next']['ask'] {
  if (session.next.ask === 'account') return session.state.kind === 'password' ? 'state' : 'account';
  if (asksStateOnly(session)) return 'state';
  return hides && session.next.ask === 'qr' ? 'state' : 'qr';
}

/**
 * Healthy instances have answered 401, 403 and 404 for seconds, so credentials that have worked in
 * this session get time. What the provider says in words (deleted, expired, blocked) is believed as
 * soon as it is repeated.
 */
export function refuse(policy: Policy, session: Session, event: Answered, reason: RefusalReason): Session {
  const mayPass = session.isProven && reason === 'credentials_rejected';
  const refusals = mayPass ? session.refusals : session.refusals + 1;
  const refusedSince = session.refusedSince ?? event.at;
  const counted = { ...session, refusals, refusedSince };
  const isMeant = mayPass ? !event.isHostRefusing && event.at - refusedSince >= REFUSED_UNTIL_END_MS : refusals >= REFUSALS_UNTIL_END;
  if (isMeant) return end(counted, reason);
  const isFirst = session.refusedSince === null;
  const at = isFirst ? followUpAt(event.startedAt, event.at) : slotAt(policy, session, event);
  const ask = asksStateOnly(session) || session.next.ask !== 'state' ? 'state' : 'qr';
  return note({ ...counted, next: { ask, at } }, { code: 'provider_refused', retryAt: at });
}
