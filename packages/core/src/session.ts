/**
 * One attempt to link an instance, as the record in Redis holds it. Immutable: `reduce` (reduce.ts)
 * returns a new one for each change and the same reference for none. The picture itself is not in
 * here but beside it (`code.digest` names it): the record is rewritten at every poll, the picture
 * only when it changes.
 *
 * watched                   code                  authorized
 *    idle ───────────────▶ waiting ───────────▶ showing ───────────────────▶ connected
 *      ▲                   │  ▲  ▲                │  │                            ▲
 *      │     unwatched     │  │  └── code stale ──┘  │ passwordWanted             │
 *      └───────────────────┘  │                      ▼                            │
 *                             └─ notAuthorized ─ password ────────────────────────┘
 *    any live state ── deadline, refusal, cancel, expiry ──▶ ended ── resumed (if resumable) ──▶ waiting
 *
 * Once a code was shown, `unwatched` does not stop the attempt: the person may be approving the
 * login on the same phone. It sets `isUnwatched`, and the session stays live until the deadline,
 * asked for by the state method alone. Then it is `idle`.
 */

import type { Account, NoticeCode, PollMethod, RefusalReason } from './outcome.ts';

export type EndReason = RefusalReason | 'deadline' | 'provider_down' | 'cancelled' | 'account_mismatch' | 'expired';

/** Ends that `resumed` can turn into a new attempt. The others need a new session. */
export const RESUMABLE_ENDS: ReadonlySet<EndReason> = new Set<EndReason>(['deadline', 'provider_down', 'instance_expired']);

/**
 * The last trouble of an attempt that goes on. `retryAt`: when the provider is asked next, Unix ms.
 */
export interface Notice {
  readonly code: NoticeCode;
  readonly retryAt: number;
}

export interface Code {
  /**
   * Names the bytes of the picture kept beside the record. Equal digests or equal texts are the
   * same code.
   */
  readonly digest: string;
  /** What the picture says, null while nobody has read it. */
  readonly text: string | null;
  readonly issuedAt: number;
  /** Nobody may be shown the code after this moment. */
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
 * How far the login has come, by what the provider last said: no code was shown yet, a code was
 * shown, the scanned login is being finished, or the account's password is wanted. The last two are
 * states of the instance and outlive an attempt of ours.
 */
export type LoginProgress = 'none' | 'offered' | 'finishing' | 'password';

/** What a session begins with. */
export interface NewSession {
  readonly id: string;
  readonly tenantId: string;
  readonly instanceId: string;
  /**
   * Names the provider's instance (host, id and token) without telling them: polls of equal keys
   * are spaced, whatever their session.
   */
  readonly instanceKey: string;
  readonly reference: string | null;
  /** Digits only. A login of any other phone ends `account_mismatch`. */
  readonly expectedPhone: string | null;
  /** The other phone is to be logged out before that. */
  readonly logoutOnMismatch: boolean;
  readonly locale: string | null;
  readonly returnUrl: string | null;
  /**
   * An instance that is already linked is to be logged out first; false again as soon as the
   * provider answers as not linked.
   */
  readonly relink: boolean;
  readonly expiresAt: number;
}

export interface Session extends NewSession {
  /** Rises with every change. */
  readonly version: number;
  /**
   * Version of the last change that a viewer must be told whole; later ones only renewed
   * `code.staleAt` (the wire's `fresh`).
   */
  readonly toldVersion: number;
  readonly state: State;
  /**
   * Another phone than the expected one was found and is being logged out: how many more tries that
   * gets. Null: none was found.
   */
  readonly logoutsLeft: number | null;
  readonly login: LoginProgress;
  /**
   * Nobody looks at a live session. The provider is asked for its state alone, so that no new login
   * is begun.
   */
  readonly isUnwatched: boolean;
  /** How often the person has left the password step for a new code. */
  readonly startOvers: number;
  /** The provider has accepted these credentials in this session. */
  readonly isProven: boolean;
  /** What the provider is asked next, and when. Means nothing unless `isPolled`. */
  readonly next: { readonly ask: PollMethod; readonly at: number };
  /**
   * When the request behind the last accepted answer started. Answers of earlier requests are
   * ignored.
   */
  readonly fence: number;
  /** Answers in a row that were no use. */
  readonly failures: number;
  /** Refusals in a row; not those of credentials that had worked, which are given time instead. */
  readonly refusals: number;
  /** When the first of them came, Unix ms; null without one. */
  readonly refusedSince: number | null;

  /**
   * Notifications from before this moment tell of an earlier login: the attempt's start, or when a
   * relinked instance was seen logged out.
   */
  readonly newsFrom: number;

  readonly createdAt: number;
  /** Of the current attempt, like `deadlineAt`. */
  readonly startedAt: number;
  readonly deadlineAt: number;
}

export function createSession(fields: NewSession, attemptMs: number, now: number): Session {
  return {
    ...fields,
    version: 1,
    toldVersion: 1,
    state: { kind: 'idle' },
    logoutsLeft: null,
    login: 'none',
    isUnwatched: false,
    startOvers: 0,
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

/** Nothing but `resumed` or `elapsed` (expiry of a resumable end) changes a terminal session. */
export function isTerminal(session: Session): boolean {
  return session.state.kind === 'connected' || session.state.kind === 'ended';
}

/** Terminal for good: a stream may close after telling it. */
export function isFinal(session: Session): boolean {
  return isTerminal(session) && !isResumable(session);
}

export function isResumable(session: Session): boolean {
  return session.state.kind === 'ended' && RESUMABLE_ENDS.has(session.state.reason);
}

/** The provider is polled for sessions in these states only. */
export function isPolled(session: Session): boolean {
  return session.state.kind === 'waiting' || session.state.kind === 'showing' || session.state.kind === 'password';
}

/**
 * Another account than the expected one is being logged out: polled to its end, whether anybody
 * watches or not.
 */
export function isLoggingOut(session: Session): boolean {
  return session.logoutsLeft !== null && isPolled(session);
}

/**
 * Only the state method may be asked. A request for a code could start a new login under the
 * person's fingers, or fetch one that nobody looks at.
 */
export function asksStateOnly(session: Session): boolean {
  return session.isUnwatched || session.login === 'finishing' || session.login === 'password';
}

/** When time alone changes the session next (`elapsed`), Unix ms; Infinity if never. */
export function nextElapseAt(session: Session): number {
  const { state } = session;
  if (state.kind === 'connected' || (state.kind === 'ended' && !isResumable(session))) return Number.POSITIVE_INFINITY;
  if (state.kind === 'idle' || state.kind === 'ended') return session.expiresAt;
  const stop = Math.min(session.deadlineAt, session.expiresAt);
  return state.kind === 'showing' ? Math.min(stop, state.code.staleAt) : stop;
}
