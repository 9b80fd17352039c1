/** Conditions and limits of single steps of the session machine that no scenario reaches. */

import { describe, expect, test } from 'vitest';
import { answered, created, FENCE, linked, NOW, policy, STARTED, showing, T0, trouble, withState } from '../test/fixtures.ts';
import { reduce } from './reduce.ts';
import { MIN_SPACING_MS, REFUSED_UNTIL_END_MS } from './schedule.ts';
import type { Session } from './session.ts';

const waiting = { kind: 'waiting', notice: null } as const;
const SLOT = STARTED + policy.intervalMs;
const SOON = STARTED + MIN_SPACING_MS;

test('a new session has no login under way', () => {
  expect(created().login).toBe('none');
});

describe('a login that the provider is finishing', () => {
  test.each(['finishing', 'password'] as const)('is followed by its state in a new attempt: %s', (login) => {
    const session = withState({ kind: 'idle' }, { login });
    expect(reduce(policy, session, { kind: 'watched', at: NOW })).toMatchObject({ login, next: { ask: 'state', at: NOW } });
  });

  test.each(['finishing', 'password'] as const)('is followed only by the state method after trouble: %s', (login) => {
    const session = withState(waiting, { login, next: { ask: 'state', at: STARTED } });
    expect(reduce(policy, session, answered(trouble('provider_error'))).next.ask).toBe('state');
  });

  test('is over once the provider expects a scan', () => {
    const session = withState(waiting, { login: 'finishing', next: { ask: 'state', at: STARTED } });
    expect(reduce(policy, session, answered({ kind: 'notAuthorized' })).login).toBe('none');
  });

  test('does not begin an attempt that nobody watches', () => {
    const session = withState({ kind: 'idle' }, { login: 'offered' });
    const next = reduce(policy, session, answered(trouble('instance_starting')));
    expect(next).toMatchObject({ state: { kind: 'idle' }, login: 'finishing', toldVersion: session.toldVersion });
  });
});

describe('notices', () => {
  test.each(['password_rejected', 'password_rate_limited'] as const)('%s stays while a password is needed', (code) => {
    const session = withState({ kind: 'password', notice: { code, retryAt: NOW } });
    expect(reduce(policy, session, answered({ kind: 'passwordWanted' })).state).toEqual(session.state);
  });

  test('about trouble end when a password is needed', () => {
    const session = withState({ kind: 'password', notice: { code: 'provider_error', retryAt: NOW } });
    expect(reduce(policy, session, answered({ kind: 'passwordWanted' })).state).toEqual({ kind: 'password', notice: null });
  });

  test('beside a code end when the instance expects a scan', () => {
    const session = withState({ ...showing, notice: { code: 'rate_limited', retryAt: NOW } });
    expect(reduce(policy, session, answered({ kind: 'notAuthorized' })).state).toEqual(showing);
  });
});

describe('a logout of the wrong account', () => {
  const loggingOut = (logoutsLeft: number): Session => withState(waiting, { logoutsLeft, next: { ask: 'logout', at: STARTED } });

  test('says that the provider refused it', () => {
    const next = reduce(policy, loggingOut(3), answered({ kind: 'refused', reason: 'credentials_rejected' }));
    expect(next.state).toMatchObject({ notice: { code: 'provider_refused' } });
    expect(reduce(policy, loggingOut(3), answered(linked)).state).toMatchObject({ notice: { code: 'provider_refused' } });
  });

  test.each([
    [3, SLOT],
    [2, SLOT + policy.intervalMs / 2],
  ])('backs off with every try: with %i left', (left, at) => {
    const next = reduce(policy, loggingOut(left), answered(trouble('provider_error'), { jitter: 0.5 }));
    expect(next.next).toEqual({ ask: 'logout', at });
  });
});

describe('trouble', () => {
  test.each([
    ['provider_error', SLOT],
    ['rate_limited', SLOT + policy.intervalMs / 2],
  ] as const)('backs off from the first %s by the rule of its code', (code, at) => {
    expect(reduce(policy, withState(waiting), answered(trouble(code), { jitter: 0.5 })).next.at).toBe(at);
  });

  test('is followed by a state request at once only if a code is missing', () => {
    const at = (code: 'provider_not_ready' | 'provider_error', ask: 'qr' | 'state'): number =>
      reduce(policy, withState(showing, { next: { ask, at: STARTED } }), answered(trouble(code))).next.at;
    expect(at('provider_not_ready', 'qr')).toBe(SOON);
    expect(at('provider_not_ready', 'state')).toBe(SLOT);
    expect(at('provider_error', 'qr')).toBe(SLOT);
  });

  test.each([
    ['provider_error', 'qr', 'state'],
    ['provider_error', 'state', 'qr'],
    ['rate_limited', 'qr', 'qr'],
    ['instance_starting', 'qr', 'qr'],
  ] as const)('%s of the method %s is followed by %s', (code, ask, next) => {
    expect(reduce(policy, withState(waiting, { next: { ask, at: STARTED } }), answered(trouble(code))).next.ask).toBe(next);
  });
});

describe('a refusal', () => {
  const refused = { kind: 'refused', reason: 'credentials_rejected' } as const;

  test.each([
    [REFUSED_UNTIL_END_MS, 'ended'],
    [REFUSED_UNTIL_END_MS - 1, 'waiting'],
  ])('of credentials that had worked, %i ms after the first, leaves the session %s', (ms, kind) => {
    const session = withState(waiting, { isProven: true, refusedSince: NOW - ms });
    expect(reduce(policy, session, answered(refused)).state.kind).toBe(kind);
  });

  test.each([
    ['qr', 'state'],
    ['state', 'qr'],
  ] as const)('of the method %s is followed by %s', (ask, next) => {
    expect(reduce(policy, withState(waiting, { next: { ask, at: STARTED } }), answered(refused)).next.ask).toBe(next);
  });
});

describe('a viewer who returns', () => {
  const unwatched = (ask: 'state' | 'account'): Session => withState(waiting, { isUnwatched: true, next: { ask, at: T0 + 20_000 } });
  const askAfter = (ask: 'state' | 'account', at: number): string => reduce(policy, unwatched(ask), { kind: 'watched', at }).next.ask;

  test('within the interval changes nothing about the next request', () => {
    expect([askAfter('state', FENCE + policy.intervalMs - 1), askAfter('account', FENCE + policy.intervalMs - 1)]).toEqual([
      'qr',
      'account',
    ]);
  });

  test('at its end causes a state request first', () => {
    expect(askAfter('state', FENCE + policy.intervalMs)).toBe('state');
  });
});
