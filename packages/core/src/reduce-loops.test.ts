/**
 * The loops that ask the provider again, each against a provider that never changes its answer. The
 * tests show how often a loop asks, what stops it, and that it misses no end. The numbers are those
 * of SPEC.md's table of loops. Requests start when due and take 0.1 s by default.
 */

import { describe, expect, test } from 'vitest';
import { answered, code, created, linked, linkedAs, policy, refused, T0, trouble } from '../test/fixtures.ts';
import type { Outcome, PollMethod } from './outcome.ts';
import { reduce } from './reduce.ts';
import { LOGOUTS_ON_MISMATCH, MIN_SPACING_MS, REFUSALS_UNTIL_END } from './schedule.ts';
import { isPolled, type Session } from './session.ts';

const ATTEMPT_SLOTS = policy.attemptMs / policy.intervalMs;
const notAuthorized: Outcome = { kind: 'notAuthorized' };
const notReady = trouble('provider_not_ready');

/** What each method answers; `request` counts from 0 over all of them. */
type Provider = Partial<Record<PollMethod, Outcome | ((request: number) => Outcome)>>;

interface Asked {
  readonly ask: PollMethod;
  readonly at: number;
}

interface Run {
  readonly session: Session;
  readonly asked: readonly Asked[];
  readonly count: (ask: PollMethod) => number;
  /** Between the starts of successive requests, ms. */
  readonly gaps: readonly number[];
}

/** Polls a watched session, as a worker does, until nothing is to be polled any more. */
function poll(provider: Provider, { first = created(), jitter = 0, tookMs = 100 } = {}): Run {
  let session = reduce(policy, first, { kind: 'watched', at: T0 });
  const asked: Asked[] = [];
  while (isPolled(session)) {
    if (asked.length > 1_000) throw new Error('expected the loop to end; it has asked 1,000 times');
    const { ask, at: startedAt } = session.next;
    session = reduce(policy, session, { kind: 'elapsed', at: startedAt });
    if (!isPolled(session)) break;
    asked.push({ ask, at: startedAt });
    const given = provider[ask] ?? notReady;
    const outcome = typeof given === 'function' ? given(asked.length - 1) : given;
    session = reduce(policy, session, answered(outcome, { at: startedAt + tookMs, startedAt, jitter }));
  }
  const gaps = asked.slice(1).map(({ at }, index) => at - (asked[index]?.at ?? at));
  return { session, asked, gaps, count: (ask) => asked.filter((one) => one.ask === ask).length };
}

describe('codes', () => {
  test('are requested once an interval, until the deadline', () => {
    const run = poll({ qr: code('a') });
    expect(run.session.state).toEqual({ kind: 'ended', reason: 'deadline' });
    expect(run.asked.length).toBe(ATTEMPT_SLOTS);
    expect(new Set(run.gaps)).toEqual(new Set([policy.intervalMs]));
  });

  test('a request slower than the interval is followed at once, and overlaps no other', () => {
    const run = poll({ qr: code('a') }, { tookMs: 9_000 });
    expect(new Set(run.gaps)).toEqual(new Set([9_000]));
  });
});

describe('not yet', () => {
  test.each(['instance_starting', 'provider_not_ready', 'provider_refused'] as const)(
    '%s keeps the interval, until the deadline',
    (name) => {
      const run = poll({ qr: trouble(name), state: trouble(name) }, { jitter: 0.99 });
      expect(run.session.state).toEqual({ kind: 'ended', reason: 'deadline' });
      expect(run.asked.length).toBeLessThanOrEqual(ATTEMPT_SLOTS);
    },
  );

  test.each(['provider_not_ready', 'provider_refused'] as const)('%s hides neither a blocked instance nor a login', (name) => {
    const blocked = poll({ qr: trouble(name), state: { kind: 'refused', reason: 'instance_blocked' } });
    expect(blocked.session.state).toEqual({ kind: 'ended', reason: 'instance_blocked' });
    expect(poll({ qr: trouble(name), state: linked }).session.state.kind).toBe('connected');
  });
});

describe('faults', () => {
  test('end the attempt after the eighth, and are at least an interval apart', () => {
    for (const jitter of [0, 0.5, 0.99]) {
      const run = poll({ qr: trouble('provider_error'), state: trouble('provider_error') }, { jitter });
      expect(run.session.state).toEqual({ kind: 'ended', reason: 'provider_down' });
      expect(run.asked.length).toBe(8);
      expect(Math.min(...run.gaps)).toBeGreaterThanOrEqual(policy.intervalMs);
    }
  });

  test('of the code endpoint alone hide no login', () => {
    expect(poll({ qr: trouble('provider_error'), state: linked }).session.state.kind).toBe('connected');
  });

  test('too many requests: the backoff separates two pollers that run in step', () => {
    const run = poll({ qr: trouble('rate_limited'), state: trouble('rate_limited') }, { jitter: 0.9 });
    expect(Math.max(...run.gaps)).toBeGreaterThan(policy.intervalMs);
  });

  test('Retry-After counts from the answer that named it', () => {
    const session = reduce(policy, created(), { kind: 'watched', at: T0 });
    const late = answered(trouble('provider_error', 60_000), { at: T0 + 50_000, startedAt: T0 });
    expect(reduce(policy, session, late).next.at).toBeGreaterThanOrEqual(T0 + 50_000 + 60_000);
  });
});

describe('refusals', () => {
  test('are checked once by the other method, within seconds', () => {
    const run = poll({ qr: refused, state: refused });
    expect(run.asked.map(({ ask }) => ask)).toEqual(['qr', 'state']);
    expect(run.asked.length).toBe(REFUSALS_UNTIL_END);
    expect(run.gaps).toEqual([MIN_SPACING_MS]);
  });

  test('of the code endpoint alone do not speed up the polls, even if the state is healthy', () => {
    const run = poll({ qr: refused, state: notAuthorized });
    expect(run.session.state.kind).toBe('ended');
    expect(run.count('qr')).toBeLessThanOrEqual(ATTEMPT_SLOTS);
  });

  test('count as consecutive only without a good answer in between', () => {
    const verifying = poll(
      {
        qr: (request) => (request === 0 ? refused : linked),
        state: linked,
        account: (request) => (request === 2 ? refused : linkedAs('79990000000')),
      },
      { first: created({ expectedPhone: '79990000000' }) },
    );
    expect(verifying.session.state.kind).toBe('connected');
  });
});

describe('preparing and verifying', () => {
  test('a logout without effect is repeated at most once an interval, until the deadline', () => {
    const run = poll({ qr: linked, state: linked, logout: { kind: 'loggedOut' } }, { first: created({ relink: true }) });
    expect(run.session.state).toEqual({ kind: 'ended', reason: 'deadline' });
    expect(run.count('logout')).toBeGreaterThan(1);
    expect(run.count('logout')).toBeLessThanOrEqual(ATTEMPT_SLOTS);
  });

  test('an account without a phone is requested at most once an interval, until the deadline', () => {
    const run = poll({ qr: linked, account: linkedAs(null) }, { first: created({ expectedPhone: '79990000000' }) });
    expect(run.session.state).toEqual({ kind: 'ended', reason: 'deadline' });
    expect(run.count('account')).toBeLessThanOrEqual(ATTEMPT_SLOTS + 1);
  });

  test.each([refused, linked, trouble('provider_error'), trouble('rate_limited'), trouble('provider_refused')])(
    'a logout of a wrong account that results in $kind is tried three times, an interval apart, and ends the session',
    (outcome) => {
      const first = created({ expectedPhone: '79990000000', logoutOnMismatch: true });
      const run = poll({ qr: linked, account: linkedAs('79991111111'), logout: outcome }, { first, jitter: 0.5 });
      expect(run.session.state).toEqual({ kind: 'ended', reason: 'account_mismatch' });
      expect(run.count('logout')).toBe(LOGOUTS_ON_MISMATCH);
      expect(Math.min(...run.gaps.slice(2))).toBeGreaterThanOrEqual(policy.intervalMs);
    },
  );

  test('a single method that refuses does not speed up the polls either', () => {
    const logout = poll({ qr: linked, state: linked, logout: refused }, { first: created({ relink: true }) });
    expect(logout.session.state.kind).toBe('ended');
    expect(logout.count('logout')).toBeLessThanOrEqual(ATTEMPT_SLOTS);
    const account = poll({ qr: linked, state: linked, account: refused }, { first: created({ expectedPhone: '79990000000' }) });
    expect(account.session.state.kind).toBe('ended');
    expect(account.count('account')).toBeLessThanOrEqual(ATTEMPT_SLOTS);
  });
});

describe('a password', () => {
  test('is awaited with the state method only, one request an interval', () => {
    const run = poll({ qr: { kind: 'passwordWanted' }, state: { kind: 'passwordWanted' } });
    expect(run.count('qr')).toBe(1);
    expect(new Set(run.gaps)).toEqual(new Set([policy.intervalMs]));
  });

  test('a stray refusal causes no code request, which could start a new login while the person types', () => {
    const run = poll({ qr: { kind: 'passwordWanted' }, state: (request) => (request === 1 ? refused : { kind: 'passwordWanted' }) });
    expect(run.count('qr')).toBe(1);
  });
});
