/**
 * One attempt to link one instance, as the record in Redis holds it. It is immutable: `reduce`
 * (reduce.ts) returns a new one for each change, and the same reference if nothing changes. The
 * picture of a code lies beside the record, and `code.digest` names it. The record is rewritten at
 * every poll, the picture only when it changes.
 *
 *             watched                   code                  authorized
 *    idle ───────────────▶ waiting ───────────▶ showing ───────────────────▶ connected
 *      ▲                   │  ▲  ▲                │  │                            ▲
 *      │     unwatched     │  │  └── code stale ──┘  │ passwordWanted             │
 *      └───────────────────┘  │                      ▼                            │
 *                             └─ notAuthorized ─ password ────────────────────────┘
 *    any live state ── deadline, refusal, cancel, expiry ──▶ ended ── resumed (if resumable) ──▶ waiting
 *
 * Once a code was shown, `unwatched` does not stop the attempt: the person may be approving the
 * login on the same phone. It sets `isUnwatched`, and the session stays live until the deadline.
 * Until then only the state method is asked. Then the session is `idle`.
 */

import type { Account, NoticeCode, PollMethod, RefusalReason } from './outcome.ts';

export type EndReason = RefusalReason | 'deadline' | 'provider_down' | 'cancelled' | 'account_mismatch' | 'expired';

/** Ends that `resumed` can turn into a new attempt. After any other end a new session is needed. */
export const RESUMABLE_ENDS: ReadonlySet<EndReason> = new Set<EndReason>(['deadline', 'provider_down', 'instance_expired']);

/**
 * The last trouble of an attempt that goes on. `retryAt` is when the provider is asked next, Unix
 * ms.
 */
export interface Notice {
  readonly code: NoticeCode;
  readonly retryAt: number;
}

export interface Code {
  /**
   * Names the bytes of the picture that is kept beside the record. Two codes with equal digests or
   * equal texts are the same code.
   */
  readonly digest: string;
  /** What the picture says, null while nobody has read it. */
  readonly text: string | null;
  readonly issuedAt: number;
  /** From this moment on the code must not be shown, Unix ms. */
  readonly staleAt: number;
}

export type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'waiting'; readonly notice: Notice | null }
  | { readonly kind: 'showing'; readonly code: Code; readonly notice: Notice | null }
  | { readonly kind: 'password'; readonly notice: Notice | null }
  | { readonly kind: 'connected'; readonly account: Account }
  | { readonly kind: 'ended'; readonly reason: EndReason };

export type StateKind = State['kind'];

/**
 * How far the login has come, by what the provider last said: no code was shown in this attempt, a
 * code was shown, the scanned login is being finished, or the account's password is wanted. The
 * last two are states of the instance, and outlive an attempt.
 */
export type LoginProgress = 'none' | 'offered' | 'finishing' | 'password';

/** What a session begins with. */
export interface NewSession {
  readonly id: string;
  readonly tenantId: string;
  readonly instanceId: string;
  /**
   * A hash of the provider's host, instance id and token. Polls with equal keys are spaced,
   * whatever their session.
   */
  readonly instanceKey: string;
  readonly reference: string | null;
  /** Digits only. A login of any other phone ends `account_mismatch`. */
  readonly expectedPhone: string | null;
  /** The other phone is logged out before that. */
  readonly logoutOnMismatch: boolean;
  readonly locale: string | null;
  readonly returnUrl: string | null;
  /**
   * An instance that is already linked is logged out first. False again as soon as the provider
   * says that it is not linked.
   */
  readonly relink: boolean;
  readonly expiresAt: number;
}

export interface Session extends NewSession {
  /** Rises with every change, and is at least the milliseconds from `createdAt` to it (renumber.ts). */
  readonly version: number;
  /**
   * Names the write that stored this record; '' before the first change, and if an older release
   * wrote it. Two records with one version and different stamps come of different pasts: in between,
   * Redis lost data.
   */
  readonly stamp: string;
  /**
   * Version of the last change that a viewer must be told whole. Later changes only renewed
   * `code.staleAt` (`fresh` on the wire).
   */
  readonly toldVersion: number;
  readonly state: State;
  /** How many more tries the logout of a wrong phone gets. Null if no wrong phone was found. */
  readonly logoutsLeft: number | null;
  readonly login: LoginProgress;
  /**
   * Nobody looks at this live session. Only the state method is asked, so that no new login is
   * begun.
   */
  readonly isUnwatched: boolean;
  /** How often the person has left the password step for a new code. */
  readonly startOvers: number;
  /** Codes that were shown in the current attempt. */
  readonly codes: number;
  /** When a scan was first seen in the current attempt, Unix ms. Null before. */
  readonly scannedAt: number | null;
  /** The account's password was wanted in the current attempt. */
  readonly wantedPassword: boolean;
  /** The provider has accepted these credentials in this session. */
  readonly isProven: boolean;
  /** What the provider is asked next, and when (Unix ms). Means nothing unless `isPolled`. */
  readonly next: { readonly ask: PollMethod; readonly at: number };
  /**
   * When the request of the last accepted answer started, Unix ms. That answer and answers to
   * earlier requests are ignored from then on. One ms before its start if a request is only known to
   * be slow.
   */
  readonly fence: number;
  /** Faults of the provider in a row. */
  readonly failures: number;
  /**
   * Refusals in a row. Refusals of credentials that had worked do not count; these are given time
   * instead.
   */
  readonly refusals: number;
  /** When the first refusal in a row came, counted or not, Unix ms. Null without one. */
  readonly refusedSince: number | null;

  /**
   * Notifications from before this moment tell of an earlier login. It is the attempt's start, when
   * the person started over, or when a relinked instance was seen logged out. Unix ms.
   */
  readonly newsFrom: number;

  readonly createdAt: number;
  /** Start of the current attempt. `deadlineAt` is its end. */
  readonly startedAt: number;
  readonly deadlineAt: number;
}

export function createSession(fields: NewSession, attemptMs: number, now: number): Session {
  return {
    ...fields,
    version: 1,
    stamp: '',
    toldVersion: 1,
    state: { kind: 'idle' },
    logoutsLeft: null,
    login: 'none',
    isUnwatched: false,
    startOvers: 0,
    codes: 0,
    scannedAt: null,
    wantedPassword: false,
    isProven: false,
    next: { ask: 'qr', at: now },
    fence: 0,
    failures: 0,
    refusals: 0,
    refusedSince: null,
    newsFrom: now,
    createdAt: now,
    startedAt: now,
    deadlineAt: Math.min(now + attemptMs, fields.expiresAt),
  };
}

/**
 * Connected or ended. A resumable end can still be resumed, cancelled, expire, or turn out to be a
 * login; nothing else changes a terminal session.
 */
export function isTerminal(session: Pick<Session, 'state'>): boolean {
  return session.state.kind === 'connected' || session.state.kind === 'ended';
}

/** Terminal for good: no event changes it, so a stream may close after telling it. */
export function isFinal(session: Pick<Session, 'state'>): boolean {
  return isTerminal(session) && !isResumable(session);
}

/** Its code must not be shown any more, although the record still says so. */
export function isStale({ state }: Pick<Session, 'state'>, now: number): boolean {
  return state.kind === 'showing' && state.code.staleAt <= now;
}

export function isResumable(session: Pick<Session, 'state'>): boolean {
  return session.state.kind === 'ended' && RESUMABLE_ENDS.has(session.state.reason);
}

/** The live states. The provider is polled only for sessions in one of them. */
export function isPolled(session: Pick<Session, 'state'>): boolean {
  return session.state.kind === 'waiting' || session.state.kind === 'showing' || session.state.kind === 'password';
}

/**
 * A wrong account is being logged out. Such a session is polled to its end, whether anybody watches
 * or not.
 */
export function isLoggingOut(session: Session): boolean {
  return session.logoutsLeft !== null && isPolled(session);
}

/**
 * Whether a code must not be asked for: it could start a new login while the person types a
 * password, or fetch a code that nobody looks at.
 */
export function asksStateOnly(session: Session): boolean {
  return session.isUnwatched || session.login === 'finishing' || session.login === 'password';
}

/** When time alone (`elapsed`) changes the session next, Unix ms. Infinity if never. */
export function nextElapseAt(session: Pick<Session, 'state' | 'deadlineAt' | 'expiresAt'>): number {
  const { state } = session;
  if (state.kind === 'connected' || (state.kind === 'ended' && !isResumable(session))) return Number.POSITIVE_INFINITY;
  if (state.kind === 'idle' || state.kind === 'ended') return session.expiresAt;
  const stop = Math.min(session.deadlineAt, session.expiresAt);
  return state.kind === 'showing' ? Math.min(stop, state.code.staleAt) : stop;
}
