/**
 * A scanned login that the provider is finishing, an account that is suspended, and the way out of
 * the password step.
 */

import { describe, expect, test } from 'vitest';
import { answered, code, created, linked, linkedAs, policy, T0, trouble } from '../test/fixtures.ts';
import type { Outcome } from './outcome.ts';
import { reduce, type SessionEvent } from './reduce.ts';
import { MAX_START_OVERS, MIN_SPACING_MS } from './schedule.ts';
import type { NewSession, Session } from './session.ts';

const at = (seconds: number): number => T0 + seconds * 1000;
const told = (seconds: number, outcome: Outcome): SessionEvent => answered(outcome, { at: at(seconds), startedAt: at(seconds) - 100 });
const play = (session: Session, ...events: readonly SessionEvent[]): Session =>
  events.reduce((before, event) => reduce(policy, before, event), session);
const watched: SessionEvent = { kind: 'watched', at: T0 };
const begin = (fields: Partial<NewSession> = {}): Session => play(created(fields), watched);
const starting = trouble('instance_starting');
const notAuthorized: Outcome = { kind: 'notAuthorized' };
const suspended: Outcome = { kind: 'suspended' };

describe('an instance that starts after a code was shown', () => {
  const finishing = play(begin(), told(1, code('a')), told(6, starting));

  test('removes the code, and requests no other until the provider expects a scan', () => {
    expect(finishing).toMatchObject({
      state: { kind: 'waiting', notice: { code: 'login_finishing', retryAt: at(10.9) } },
      next: { ask: 'state', at: at(10.9) },
    });
    const still = play(finishing, told(11, starting), told(16, trouble('provider_error')), told(21, starting));
    expect(still).toMatchObject({ state: { notice: { code: 'login_finishing' } }, next: { ask: 'state' } });
    const over = play(still, told(26, notAuthorized));
    expect(over).toMatchObject({ state: { kind: 'waiting', notice: null }, next: { ask: 'qr', at: at(25.9) + MIN_SPACING_MS } });
    expect(play(over, told(28, code('b'))).state.kind).toBe('showing');
  });

  test('becomes connected or needs a password, as the provider says', () => {
    expect(play(finishing, told(11, linked)).state.kind).toBe('connected');
    expect(play(finishing, told(11, { kind: 'passwordWanted' })).state.kind).toBe('password');
    const expecting = play(begin({ expectedPhone: '79990000000' }), told(1, code('a')), told(6, starting), told(11, linked));
    expect(expecting.next.ask).toBe('account');
    expect(play(expecting, told(13, linkedAs('79990000000'))).state.kind).toBe('connected');
  });

  test('is recognised by the code method, too, and after the code became stale', () => {
    const stale = play(begin(), told(1, code('a')), { kind: 'elapsed', at: at(30) });
    expect(play(stale, told(31, starting)).state).toMatchObject({ kind: 'waiting', notice: { code: 'login_finishing' } });
  });

  test('after the password was sent, removes the form', () => {
    const password = play(begin(), told(1, code('a')), told(6, { kind: 'passwordWanted' }));
    expect(play(password, told(11, starting)).state).toMatchObject({ kind: 'waiting', notice: { code: 'login_finishing' } });
  });

  test('requests only the state while nobody watches, too', () => {
    const left = play(finishing, { kind: 'unwatched', at: at(8) });
    expect(left).toMatchObject({ isUnwatched: true, next: { ask: 'state' } });
    expect(play(left, told(25, linked)).state.kind).toBe('connected');
  });
});

test('if no code follows a shown one, the state is requested at once, but the polls get no faster', () => {
  const notReady = trouble('provider_not_ready');
  const doubted = play(begin(), told(1, code('a')), told(6, notReady));
  expect(doubted.next).toEqual({ ask: 'state', at: at(5.9) + MIN_SPACING_MS });
  expect(play(doubted, told(7.1, starting)).state).toMatchObject({ kind: 'waiting', notice: { code: 'login_finishing' } });
  const open = play(doubted, told(7.1, notAuthorized));
  expect(open.next).toEqual({ ask: 'qr', at: at(12) });
  const again = play(open, told(12.1, notReady));
  expect(again.next).toEqual({ ask: 'state', at: at(12) + MIN_SPACING_MS });
  expect(play(begin(), told(1, notReady)).next).toEqual({ ask: 'state', at: at(5.9) });
});

test('an instance that starts before a code was shown is reported as starting, and codes are requested', () => {
  const run = play(begin(), told(1, starting));
  expect(run).toMatchObject({ state: { notice: { code: 'instance_starting' } }, next: { ask: 'qr' } });
  const relinked = play(begin({ relink: true }), told(1, linked), told(3, { kind: 'loggedOut' }), told(8, starting));
  expect(relinked).toMatchObject({ state: { notice: { code: 'instance_starting' } }, next: { ask: 'qr' } });
});

describe('a suspended account', () => {
  const first = play(begin(), told(1, code('a')), told(6, suspended));

  test('is requested, and without a phone nobody is connected', () => {
    expect(first).toMatchObject({
      state: { kind: 'waiting', notice: { code: 'provider_not_ready' } },
      next: { ask: 'account', at: at(5.9) + MIN_SPACING_MS },
    });
    const second = play(first, told(7.1, suspended));
    expect(second).toMatchObject({ state: { kind: 'waiting', notice: { code: 'provider_not_ready' } }, next: { ask: 'qr', at: at(12) } });
    expect(play(second, told(12.1, suspended)).next.ask).toBe('account');
  });

  test('is connected by a phone, or by a code method that says so', () => {
    expect(play(first, told(7.1, linkedAs('79990000000'))).state).toMatchObject({ kind: 'connected', account: { phone: '79990000000' } });
    expect(play(first, told(7.1, suspended), told(12.1, linked)).state.kind).toBe('connected');
  });

  test('that has lost its login can be linked again', () => {
    expect(play(first, told(7.1, suspended), told(12.1, code('b'))).state.kind).toBe('showing');
  });

  test('is logged out first with relink, and also if it is the wrong account', () => {
    expect(play(begin({ relink: true }), told(1, suspended)).next.ask).toBe('logout');
    const wrong = play(begin({ expectedPhone: '79990000000', logoutOnMismatch: true }), told(1, linkedAs('79991111111')));
    expect(play(wrong, told(3, suspended))).toMatchObject({ logoutsLeft: 2, next: { ask: 'logout' } });
  });

  test('causes no code request while nobody watches', () => {
    const left = play(first, { kind: 'hidden', at: at(6.5) }, told(7.1, suspended));
    expect(left.next.ask).toBe('state');
  });
});

describe('started over', () => {
  const password = play(begin(), told(1, code('a')), told(6, { kind: 'passwordWanted' }));
  const over = (session: Session, seconds: number): Session =>
    play(session, { kind: 'startedOver', at: at(seconds), startedAt: at(seconds) - 500 });

  test('waits for a new code in the same attempt, with a new deadline', () => {
    expect(over(password, 100)).toMatchObject({
      state: { kind: 'waiting', notice: { code: 'instance_starting' } },
      next: { ask: 'qr', at: at(104.5) },
      startedAt: password.startedAt,
      deadlineAt: at(280),
      login: 'none',
      newsFrom: at(100),
    });
    expect(play(over(password, 100), told(106, starting)).state).toMatchObject({ notice: { code: 'instance_starting' } });
  });

  test('an answer from before the logout is out of date', () => {
    const left = over(password, 100);
    expect(play(left, answered({ kind: 'passwordWanted' }, { at: at(101), startedAt: at(99) }))).toBe(left);
  });

  test('works, too, if the polls saw the logout first', () => {
    const seen = play(password, told(100.4, notAuthorized));
    expect(over(seen, 100.5)).toMatchObject({ startOvers: 1, deadlineAt: at(280.5), fence: at(100.3) });
  });

  test('works three times in a session, even with a resume in between', () => {
    let session = password;
    for (let n = 0; n < MAX_START_OVERS; n++) session = play(over(session, 10 + n * 10), told(15 + n * 10, { kind: 'passwordWanted' }));
    expect(session.startOvers).toBe(MAX_START_OVERS);
    expect(over(session, 60)).toBe(session);
    const resumed = play(session, { kind: 'elapsed', at: at(300) }, { kind: 'resumed', at: at(310) });
    expect(over(resumed, 320)).toBe(resumed);
  });

  test('counts once if it comes twice, whatever came in between', () => {
    const left = play(over(password, 100), told(101, notAuthorized));
    expect(left.startOvers).toBe(1);
    expect(over(left, 100)).toBe(left);
  });

  test('never outlives the session, and never replaces the logout of a wrong account', () => {
    const short = play(begin({ expiresAt: at(120) }), told(1, code('a')), told(6, { kind: 'passwordWanted' }));
    expect(over(short, 100).deadlineAt).toBe(at(120));
    const wrong = play(begin({ expectedPhone: '79990000000', logoutOnMismatch: true }), told(1, linkedAs('79991111111')));
    expect(over(wrong, 10)).toBe(wrong);
  });
});
