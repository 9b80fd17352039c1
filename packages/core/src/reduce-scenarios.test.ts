/** Whole logins, from beginning to end. Times are seconds after the session was created. */

import { describe, expect, test } from 'vitest';
import { answered, code, created, linked, linkedAs, policy, refused, T0, trouble } from '../test/fixtures.ts';
import type { Outcome } from './outcome.ts';
import { reduce, type SessionEvent } from './reduce.ts';
import type { Session, State } from './session.ts';

const s = (seconds: number) => T0 + seconds * 1_000;
const play = (session: Session, ...events: SessionEvent[]) => events.reduce((current, event) => reduce(policy, current, event), session);

const watched = (at: number): SessionEvent => ({ kind: 'watched', at: s(at) });
const unwatched = (at: number): SessionEvent => ({ kind: 'unwatched', at: s(at) });
const resumed = (at: number): SessionEvent => ({ kind: 'resumed', at: s(at) });
const elapsed = (at: number): SessionEvent => ({ kind: 'elapsed', at: s(at) });
const wrongPassword = (at: number): SessionEvent => ({ kind: 'passwordRefused', at: s(at), code: 'password_rejected' });
/** An answer at `at` to a request that started 0.1 s (or `took`) before. */
const told = (at: number, outcome: Outcome, took = 0.1) => answered(outcome, { at: s(at), startedAt: s(at - took) });

const waiting: State = { kind: 'waiting', notice: null };
const notAuthorized: Outcome = { kind: 'notAuthorized' };
const passwordWanted: Outcome = { kind: 'passwordWanted' };
const noticeOf = ({ state }: Session) => ('notice' in state ? (state.notice?.code ?? null) : undefined);
const codeOf = ({ state }: Session) => (state.kind === 'showing' ? state.code : null);

describe('a code', () => {
  const shown = play(created(), watched(0), told(1, code('a')));

  test('is removed by time alone when no answer comes', () => {
    expect(codeOf(shown)).toEqual({ digest: 'a', text: null, issuedAt: s(1), staleAt: s(21) });
    expect(play(shown, elapsed(20.999))).toBe(shown);
    expect(play(shown, elapsed(21)).state).toEqual(waiting);
  });

  test('becomes stale on time while the refresh fails', () => {
    const failing = play(shown, told(6, trouble('provider_unreachable')), told(12, trouble('provider_unreachable')));
    expect(codeOf(failing)?.staleAt).toBe(s(21));
    const blanked = play(failing, told(21, trouble('provider_unreachable')));
    expect(codeOf(blanked)).toBeNull();
    expect(noticeOf(blanked)).toBe('provider_unreachable');
  });

  test('that is confirmed again stays longer, without a whole new state', () => {
    const renewed = play(shown, told(6, code('a')));
    expect(codeOf(renewed)).toEqual({ digest: 'a', text: null, issuedAt: s(1), staleAt: s(26) });
    expect(renewed.toldVersion).toBe(shown.toldVersion);
    expect(renewed.version).toBeGreaterThan(shown.version);
  });

  test('that replaces another is sent as a whole state, even if it returns', () => {
    const second = play(shown, told(6, code('b')));
    const first = play(second, told(11, code('a')));
    expect([codeOf(second)?.digest, codeOf(first)?.digest]).toEqual(['b', 'a']);
    expect(codeOf(first)?.issuedAt).toBe(s(11));
    expect(first.toldVersion).toBe(first.version);
  });

  test('a slow request causes a notice while it runs, and its code still counts', () => {
    const slow: SessionEvent = { kind: 'slow', at: s(9), startedAt: s(6), retryAt: s(71) };
    const held = play(shown, slow);
    expect(held.state).toMatchObject({ kind: 'showing', notice: { code: 'provider_timeout', retryAt: s(71) } });
    expect(play(held, told(10, code('older'), 6))).toBe(held);
    const blanked = play(held, elapsed(21));
    expect(blanked.state).toEqual({ kind: 'waiting', notice: { code: 'provider_timeout', retryAt: s(71) } });
    const late = play(blanked, told(60, code('b'), 54));
    expect(late.state).toMatchObject({ kind: 'showing', notice: null, code: { staleAt: s(80) } });
    expect(late.next).toEqual({ ask: 'qr', at: s(60) });
  });

  test('a request reported slow after its own answer changes nothing', () => {
    const slow: SessionEvent = { kind: 'slow', at: s(1.1), startedAt: shown.fence, retryAt: s(66) };
    expect(play(shown, slow)).toBe(shown);
  });

  test('from an overtaken poll is never shown again', () => {
    const overtaken = play(shown, told(8, code('b')));
    expect(play(overtaken, told(9, code('a'), 4))).toBe(overtaken);
  });
});

describe('a provider that fails', () => {
  test('the first refusal is checked, the second in a row ends the session', () => {
    const doubted = play(created(), watched(0), told(1, refused));
    expect(noticeOf(doubted)).toBe('provider_refused');
    expect(doubted.next.ask).toBe('state');
    expect(play(doubted, told(3, notAuthorized), told(5, refused)).state.kind).toBe('waiting');
    expect(play(doubted, told(3, code('a')), told(8, refused)).state.kind).toBe('showing');
    expect(play(doubted, told(3, refused)).state).toEqual({ kind: 'ended', reason: 'credentials_rejected' });
  });

  test.each([
    ['a refusal', refused, 'refusals'],
    ['a fault', trouble('provider_error'), 'failures'],
  ] as const)('%s that comes twice counts once', (_what, outcome, counter) => {
    const answer = told(1, outcome);
    const between: SessionEvent = { kind: 'postponed', at: s(1.1), retryAt: s(20) };
    const once = play(created(), watched(0), answer, between);
    expect(once[counter]).toBe(1);
    expect(play(once, answer)).toBe(once);
  });

  test('eight faults in a row end the attempt, and a resume starts the count again', () => {
    const faults = (count: number) => Array.from({ length: count }, (_, n) => told(5 + n * 10, trouble('provider_error')));
    const almost = play(created(), watched(0), ...faults(7));
    expect(almost.state.kind).toBe('waiting');
    const down = play(almost, told(80, trouble('provider_error')));
    expect(down.state).toEqual({ kind: 'ended', reason: 'provider_down' });
    expect(play(down, resumed(90))).toMatchObject({ state: waiting, failures: 0, startedAt: s(90), deadlineAt: s(270) });
  });

  test('a healthy state method does not hide a code endpoint that is down', () => {
    const pair = (n: number) => [told(n * 10 + 1, trouble('provider_error')), told(n * 10 + 3, notAuthorized)];
    const rounds = Array.from({ length: 8 }, (_, n) => pair(n)).flat();
    expect(play(created(), watched(0), ...rounds).state).toEqual({ kind: 'ended', reason: 'provider_down' });
  });

  test('a code in between starts the count again', () => {
    const seven = Array.from({ length: 7 }, (_, n) => told(1 + n * 2, trouble('provider_error')));
    const recovered = play(created(), watched(0), ...seven, told(20, code('a')), told(25, trouble('provider_error')));
    expect(recovered).toMatchObject({ failures: 1, state: { kind: 'showing' } });
  });
});

describe('relink', () => {
  const relinking = play(created({ relink: true }), watched(0), told(1, linked));

  test('logs the old account out, waits for codes, and connects with the new one', () => {
    expect(relinking).toMatchObject({
      next: { ask: 'logout', at: s(2) },
      state: { kind: 'waiting', notice: { code: 'instance_starting' } },
    });
    const loggedOut = play(relinking, told(2.5, { kind: 'loggedOut' }));
    expect(loggedOut).toMatchObject({
      relink: true,
      next: { ask: 'qr' },
      state: { kind: 'waiting', notice: { code: 'instance_starting' } },
    });
    const shown = play(loggedOut, told(8, trouble('provider_not_ready')), told(70, code('a')));
    expect(shown).toMatchObject({ relink: false, state: { kind: 'showing', notice: null } });
    expect(play(shown, told(75, linkedAs('79990000000'))).state).toEqual({
      kind: 'connected',
      account: { wid: '79990000000@c.us', phone: '79990000000' },
    });
  });

  test('asks for the logout again when the first did nothing', () => {
    const again = play(relinking, told(2.5, trouble('provider_error')), told(8, linked));
    expect(again).toMatchObject({ relink: true, next: { ask: 'logout', at: s(9) } });
  });

  test('does not mistake the old login for the new one, even after viewers left and returned', () => {
    const back = play(relinking, unwatched(3), watched(20), told(21, linked));
    expect(back).toMatchObject({ state: { kind: 'waiting' }, next: { ask: 'logout' } });
  });
});

describe('an expected phone', () => {
  const asked = play(created({ expectedPhone: '79990000000' }), watched(0), told(1, code('a')), told(6, linked));

  test('is checked before the login is reported, and the used code is removed', () => {
    expect(asked).toMatchObject({ state: { kind: 'waiting', notice: { code: 'provider_not_ready' } }, next: { ask: 'account', at: s(7) } });
  });

  test('matches', () => {
    expect(play(asked, told(7.1, linkedAs('79990000000'))).state).toMatchObject({ kind: 'connected', account: { phone: '79990000000' } });
  });

  test('does not match', () => {
    expect(play(asked, told(7.1, linkedAs('79991111111'))).state).toEqual({ kind: 'ended', reason: 'account_mismatch' });
  });

  test('does not match, and the other one is logged out before the end', () => {
    const strict = created({ expectedPhone: '79990000000', logoutOnMismatch: true });
    const found = play(strict, watched(0), told(1, code('a')), told(6, linked), told(7.1, linkedAs('79991111111')));
    expect(found).toMatchObject({
      state: { kind: 'waiting', notice: { code: 'provider_not_ready' } },
      next: { ask: 'logout', at: s(8.1) },
    });
    expect(play(found, told(8.3, { kind: 'loggedOut' })).state).toEqual({ kind: 'ended', reason: 'account_mismatch' });
    const left = play(found, unwatched(8.2));
    expect(left).toBe(found);
  });

  test('stays unknown, so the session is not connected', () => {
    const unknown = play(asked, told(7.1, linkedAs(null)), told(12, trouble('provider_timeout')));
    expect(unknown).toMatchObject({ state: { kind: 'waiting' }, next: { ask: 'account' } });
    expect(play(unknown, elapsed(180)).state).toEqual({ kind: 'ended', reason: 'deadline' });
  });
});

describe('an attempt that runs out', () => {
  const over = play(created(), watched(0), told(1, code('a')), elapsed(180));

  test('a login in the last second, reported afterwards, still connects', () => {
    expect(over.state).toEqual({ kind: 'ended', reason: 'deadline' });
    expect(play(over, told(181, linkedAs('79990000000'), 2)).state.kind).toBe('connected');
    expect(play(over, told(181, code('b'), 2))).toBe(over);
    expect(play(over, { kind: 'cancelled', at: s(181) }, told(182, linked)).state).toEqual({ kind: 'ended', reason: 'cancelled' });
  });

  test('versions keep rising over a resume, and old answers are ignored', () => {
    const again = play(over, resumed(200));
    expect(again.version).toBeGreaterThan(over.version);
    expect(play(again, told(201, code('old'), 200.5))).toBe(again);
  });

  test('a resumed attempt never outlives the session', () => {
    const short = play(created({ expiresAt: s(240) }), watched(0), elapsed(180), resumed(200));
    expect(short.deadlineAt).toBe(s(240));
    expect(play(short, elapsed(240)).state).toEqual({ kind: 'ended', reason: 'expired' });
  });
});

describe('the password step', () => {
  const wanted = play(created(), watched(0), told(1, code('a')), told(6, passwordWanted));

  test('is reported, and its password is refused twice and then accepted', () => {
    expect(wanted).toMatchObject({ state: { kind: 'password', notice: null }, next: { ask: 'state', at: s(10.9) } });
    const once = play(wanted, wrongPassword(9), told(11, passwordWanted));
    expect(noticeOf(once)).toBe('password_rejected');
    const twice = play(once, wrongPassword(14));
    expect(twice.state).toEqual({ kind: 'password', notice: { code: 'password_rejected', retryAt: s(14) } });
    expect(twice.toldVersion).toBeGreaterThan(once.toldVersion);
    expect(play(twice, told(16, linkedAs('79990000000'))).state.kind).toBe('connected');
  });

  test('ends if the provider expects a new scan', () => {
    const withdrawn = play(wanted, wrongPassword(9), told(11, notAuthorized));
    expect(withdrawn).toMatchObject({ state: waiting, next: { ask: 'qr', at: s(12) } });
    expect(play(withdrawn, wrongPassword(12))).toBe(withdrawn);
    expect(play(withdrawn, told(12.5, code('b'))).state).toMatchObject({ kind: 'showing', notice: null });
  });

  test('requests the state, not codes, while the provider is in trouble', () => {
    const troubled = play(wanted, told(11, trouble('provider_timeout')), told(20, trouble('rate_limited')));
    expect(troubled).toMatchObject({ state: { kind: 'password' }, next: { ask: 'state' } });
  });
});

describe('a session that nobody watches', () => {
  test('shows nothing, accepts an answer under way, and can be connected by it', () => {
    const left = play(created(), watched(0), unwatched(20));
    expect(left.state).toEqual({ kind: 'idle' });
    const answeredLate = play(left, told(20.5, code('b'), 1));
    expect(answeredLate.state).toEqual({ kind: 'idle' });
    expect(play(answeredLate, told(30, linked)).state.kind).toBe('connected');
    expect(play(answeredLate, watched(40))).toMatchObject({ state: waiting, next: { ask: 'qr', at: s(40) }, deadlineAt: s(220) });
  });
});
