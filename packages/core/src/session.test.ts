import { expect, test } from 'vitest';
import { created, ended, policy, SESSIONS, STALE_AT, T0, type TableState, withState } from '../test/fixtures.ts';
import { createSession, isFinal, isPolled, isResumable, isTerminal, nextElapseAt } from './session.ts';

test('a new session is idle, told and due at once, and its attempt ends no later than the session', () => {
  expect(created()).toMatchObject({ version: 1, toldVersion: 1, state: { kind: 'idle' }, next: { ask: 'qr', at: T0 }, fence: 0 });
  expect(created().deadlineAt).toBe(T0 + policy.attemptMs);
  expect(createSession({ ...created(), expiresAt: T0 + 60_000 }, policy.attemptMs, T0).deadlineAt).toBe(T0 + 60_000);
});

/** Polled, terminal, resumable, final. */
const KINDS: Record<TableState, readonly [boolean, boolean, boolean, boolean]> = {
  idle: [false, false, false, false],
  waiting: [true, false, false, false],
  showing: [true, false, false, false],
  password: [true, false, false, false],
  connected: [false, true, false, true],
  ended: [false, true, false, true],
  endedResumable: [false, true, true, false],
};

test.each(Object.keys(KINDS) as TableState[])('%s', (state) => {
  const session = SESSIONS[state];
  expect([isPolled(session), isTerminal(session), isResumable(session), isFinal(session)]).toEqual(KINDS[state]);
});

test('time alone changes a session next at the earliest of its ends', () => {
  const { deadlineAt, expiresAt } = created();
  const next = Object.fromEntries(Object.entries(SESSIONS).map(([state, session]) => [state, nextElapseAt(session)]));
  expect(next).toEqual({
    idle: expiresAt,
    waiting: deadlineAt,
    showing: STALE_AT,
    password: deadlineAt,
    connected: Number.POSITIVE_INFINITY,
    ended: Number.POSITIVE_INFINITY,
    endedResumable: expiresAt,
  });
  expect(nextElapseAt(withState(ended('expired')))).toBe(Number.POSITIVE_INFINITY);
  expect(nextElapseAt(withState(SESSIONS.showing.state, { deadlineAt: STALE_AT - 1 }))).toBe(STALE_AT - 1);
});
