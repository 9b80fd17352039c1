/**
 * Sessions and events for the tests of the session machine. There is one attempt, which began at
 * `T0`. Events happen at `NOW`, ten seconds later.
 */

import type { Outcome } from '../src/outcome.ts';
import type { SessionEvent } from '../src/reduce.ts';
import type { Policy } from '../src/schedule.ts';
import { createSession, type EndReason, type NewSession, type Session, type State, type StateKind } from '../src/session.ts';

export const T0 = 1_790_000_000_000;
export const NOW = T0 + 10_000;
/**
 * When the last accepted request started, and the request that the answers of the fixtures belong
 * to.
 */
export const FENCE = T0 + 5_000;
export const STARTED = T0 + 9_500;

export const policy: Policy = { intervalMs: 5_000, codeTtlMs: 20_000, attemptMs: 180_000 };

const fields: NewSession = {
  id: 'ses_1',
  tenantId: 'acme',
  instanceId: '110100000001',
  instanceKey: 'key_1',
  reference: 'order-77',
  expectedPhone: null,
  locale: null,
  returnUrl: null,
  logoutOnMismatch: false,
  relink: false,
  expiresAt: T0 + 3_600_000,
};

/** A session that nobody watches yet, created at `T0`. */
export function created(overrides: Partial<NewSession> = {}): Session {
  return createSession({ ...fields, ...overrides }, policy.attemptMs, T0);
}

/**
 * A live or ended session in this state. Its last poll started at `FENCE`, and its versions have
 * lower ones below them.
 */
export function withState(state: State, overrides: Partial<Session> = {}): Session {
  const login = state.kind === 'showing' ? 'offered' : state.kind === 'password' ? 'password' : 'none';
  return { ...created(), version: 7, toldVersion: 5, fence: FENCE, next: { ask: 'qr', at: STARTED }, login, state, ...overrides };
}

export const ended = (reason: EndReason): State => ({ kind: 'ended', reason });

export const STALE_AT = T0 + 25_000;
export const showing = {
  kind: 'showing',
  code: { digest: 'first', text: null, issuedAt: FENCE, staleAt: STALE_AT },
  notice: null,
} as const satisfies State;

/**
 * The machine's states as in the truth table. An end that can be resumed behaves like a state of
 * its own.
 */
export type TableState = StateKind | 'endedResumable';

export const SESSIONS: Record<TableState, Session> = {
  idle: withState({ kind: 'idle' }),
  waiting: withState({ kind: 'waiting', notice: null }),
  showing: withState(showing),
  password: withState({ kind: 'password', notice: null }, { next: { ask: 'state', at: STARTED } }),
  connected: withState({ kind: 'connected', account: { wid: '79990000000@c.us', phone: '79990000000' } }),
  ended: withState(ended('cancelled')),
  endedResumable: withState(ended('deadline')),
};

export interface Timing {
  readonly at?: number;
  readonly startedAt?: number;
  readonly jitter?: number;
}

/** The provider's answer at `NOW` to the request of `STARTED`, unless told otherwise. */
export function answered(outcome: Outcome, { at = NOW, startedAt = STARTED, jitter = 0 }: Timing = {}): SessionEvent {
  return { kind: 'answered', at, startedAt, jitter, outcome };
}

export const code = (digest: string, text: string | null = null): Outcome => ({
  kind: 'code',
  image: `data:image/png;base64,${digest}`,
  digest,
  text,
});
export const linkedAs = (phone: string | null): Outcome => ({
  kind: 'authorized',
  account: { wid: phone === null ? null : `${phone}@c.us`, phone },
});
/** What the code and the state method say: linked, but not to which account. */
export const linked: Outcome = { kind: 'authorized', account: null };
export const trouble = (name: Extract<Outcome, { kind: 'trouble' }>['code'], retryAfterMs?: number): Outcome =>
  retryAfterMs === undefined ? { kind: 'trouble', code: name } : { kind: 'trouble', code: name, retryAfterMs };
export const refused: Outcome = { kind: 'refused', reason: 'credentials_rejected' };

/**
 * `same`: the same reference. `told x`: state x, which viewers must be told whole. `kept x`: still
 * x, only the version rises.
 */
export type Expected = 'same' | `${'told' | 'kept'} ${StateKind}`;

/** What a step did, in the words of the table. */
export function observed(before: Session, after: Session): Expected | 'neither told nor kept' {
  if (after === before) return 'same';
  if (after.toldVersion > before.toldVersion && after.toldVersion === after.version) return `told ${after.state.kind}`;
  return after.version > before.version && after.toldVersion === before.toldVersion ? `kept ${after.state.kind}` : 'neither told nor kept';
}
