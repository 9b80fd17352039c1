/**
 * A page that is hidden or closed after a code was shown: the person may be approving the login, so
 * the attempt goes on without codes.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answered, code, created, linked, NOW, policy, SESSIONS, T0, trouble } from '../test/fixtures.ts';
import { callbackOf } from './callback.ts';
import type { Outcome, PollMethod } from './outcome.ts';
import { reduce, type SessionEvent } from './reduce.ts';
import { FAILURES_UNTIL_DOWN, MIN_SPACING_MS, UNWATCHED_INTERVALS } from './schedule.ts';
import { isPolled, type Session } from './session.ts';

const UNWATCHED_MS = policy.intervalMs * UNWATCHED_INTERVALS;
const play = (session: Session, ...events: readonly SessionEvent[]): Session =>
  events.reduce((before, event) => reduce(policy, before, event), session);
const at = (seconds: number): number => T0 + seconds * 1000;
const event = (kind: 'watched' | 'hidden' | 'unwatched' | 'abandoned' | 'elapsed' | 'resumed', seconds: number): SessionEvent => ({
  kind,
  at: at(seconds),
});
const told = (seconds: number, outcome: Outcome): SessionEvent => answered(outcome, { at: at(seconds), startedAt: at(seconds) - 100 });

const shown = play(created(), event('watched', 0), told(1, code('a')));
const wanted = play(shown, told(6, { kind: 'passwordWanted' }));

describe.each(['hidden', 'unwatched'] as const)('%s', (kind) => {
  test('requests only the state, at a third of the pace', () => {
    const left = play(shown, event(kind, 2));
    expect(left).toMatchObject({ isUnwatched: true, state: { kind: 'showing' }, next: { ask: 'state', at: at(0.9) + UNWATCHED_MS } });
    const asked = play(left, told(16, { kind: 'notAuthorized' }));
    expect(asked).toMatchObject({ isUnwatched: true, next: { ask: 'state', at: at(15.9) + UNWATCHED_MS } });
  });

  test('keeps the password step as it is', () => {
    const left = play(wanted, event(kind, 10));
    expect(left).toMatchObject({ isUnwatched: true, state: { kind: 'password' }, startedAt: wanted.startedAt });
    expect(play(left, event('watched', 35))).toMatchObject({ state: { kind: 'password' }, next: { ask: 'state' } });
    expect(play(left, told(21, { kind: 'passwordWanted' }), event('watched', 70)).next).toEqual({ ask: 'state', at: at(70) });
  });

  test('is connected by a login that is approved in the meantime', () => {
    const connected = play(shown, event(kind, 2), told(20, linked));
    expect(connected.state.kind).toBe('connected');
    expect(callbackOf(shown, connected, at(20))?.type).toBe('session.connected');
  });

  test('is idle at the deadline, without a callback', () => {
    for (const session of [shown, wanted]) {
      const left = play(session, event(kind, 10));
      const over = play(left, event('elapsed', 180));
      expect(over).toMatchObject({ state: { kind: 'idle' }, isUnwatched: false });
      expect(callbackOf(left, over, at(180))).toBeNull();
      expect(play(over, event('watched', 200))).toMatchObject({ state: { kind: 'waiting' }, startedAt: at(200), deadlineAt: at(380) });
    }
  });

  test('becomes idle if the provider is down, because no viewer needs to see that end', () => {
    const faults = Array.from({ length: FAILURES_UNTIL_DOWN }, (_, n) => told(10 + n, trouble('provider_error')));
    expect(play(shown, event(kind, 2), ...faults).state).toEqual({ kind: 'idle' });
    expect(play(shown, ...faults).state).toEqual({ kind: 'ended', reason: 'provider_down' });
  });

  test('stays idle if the poll that was under way at its end brings the eighth fault', () => {
    const faults = Array.from({ length: FAILURES_UNTIL_DOWN - 1 }, (_, n) => told(10 + n, trouble('provider_error')));
    const over = play(shown, event(kind, 2), ...faults, event('elapsed', 180));
    const late = play(over, told(181, trouble('provider_error')));
    expect(late).toMatchObject({ state: { kind: 'idle' }, toldVersion: over.toldVersion });
    expect(play(late, event('watched', 200))).toMatchObject({ state: { kind: 'waiting' }, failures: 0 });
  });

  test('keeps a code that was under way, and requests no other', () => {
    const late = play(shown, event(kind, 2), told(7, code('b')));
    expect(late).toMatchObject({ state: { kind: 'showing', code: { digest: 'b' } }, next: { ask: 'state' } });
  });

  test.each(['provider_error', 'rate_limited', 'provider_not_ready', 'instance_starting'] as const)(
    'still requests no code after %s',
    (name) => {
      expect(play(shown, event(kind, 2), told(16, trouble(name))).next.ask).toBe('state');
    },
  );
});

test('before the first code, unwatched means idle, and a page hidden for a moment changes nothing', () => {
  const waiting = play(created(), event('watched', 0));
  expect(play(waiting, event('unwatched', 5)).state.kind).toBe('idle');
  expect(play(waiting, event('hidden', 5))).toBe(waiting);
});

test('a new attempt after a password step requests the state first, however the last one ended', () => {
  const over = play(wanted, event('unwatched', 10), event('elapsed', 180));
  expect(play(over, event('watched', 200)).next).toEqual({ ask: 'state', at: at(200) });
  const ended = play(wanted, event('elapsed', 180));
  expect(play(ended, event('resumed', 200)).next).toEqual({ ask: 'state', at: at(200) });
  const afresh = play(over, event('watched', 200), told(201, { kind: 'notAuthorized' }));
  expect(afresh.next).toEqual({ ask: 'qr', at: at(200.9) + MIN_SPACING_MS });
});

describe('a viewer who returns', () => {
  const left = play(shown, event('hidden', 2));

  test('after a while causes a state request at once, and a code request right after it', () => {
    const back = play(left, told(16, { kind: 'notAuthorized' }), event('watched', 25));
    expect(back).toMatchObject({ isUnwatched: false, next: { ask: 'state', at: at(25) } });
    const answeredBack = play(back, told(25.2, { kind: 'notAuthorized' }));
    expect(answeredBack.next).toEqual({ ask: 'qr', at: at(25.1) + MIN_SPACING_MS });
  });

  test('within the interval changes nothing about the next request', () => {
    expect(play(left, event('watched', 3))).toMatchObject({ isUnwatched: false, next: { ask: 'qr', at: shown.next.at } });
  });

  test('causes no request before the end of a Retry-After', () => {
    const limited = play(left, told(16, trouble('rate_limited', 40_000)));
    expect(play(limited, event('watched', 25)).next.at).toBe(at(56));
  });
});

test('a session of a suspended or deleted tenant becomes idle at once', () => {
  for (const session of [shown, wanted, play(shown, event('hidden', 2))]) {
    expect(play(session, event('abandoned', 10))).toMatchObject({ state: { kind: 'idle' }, isUnwatched: false });
  }
});

test.each(['connected', 'ended', 'endedResumable', 'idle'] as const)('%s is never unwatched', (name) => {
  for (const kind of ['hidden', 'unwatched', 'abandoned'] as const)
    expect(reduce(policy, SESSIONS[name], { kind, at: NOW })).toBe(SESSIONS[name]);
});

/** Viewers who leave and return at random, and the polls as a worker makes them. */
function attempt(switches: readonly number[]): { readonly ask: PollMethod; readonly at: number; readonly isUnwatched: boolean }[] {
  let session = play(created(), event('watched', 0));
  const asked: { ask: PollMethod; at: number; isUnwatched: boolean }[] = [];
  const left = [...switches].sort((a, b) => a - b);
  let isAway = false;
  while (isPolled(session)) {
    const due = session.next.at;
    const next = left[0];
    if (next !== undefined && T0 + next <= due) {
      left.shift();
      isAway = !isAway;
      session = reduce(policy, session, { kind: isAway ? 'hidden' : 'watched', at: T0 + next });
      continue;
    }
    session = reduce(policy, session, { kind: 'elapsed', at: due });
    if (!isPolled(session)) break;
    asked.push({ ask: session.next.ask, at: due, isUnwatched: session.isUnwatched });
    const outcome: Outcome = session.next.ask === 'qr' ? code('a') : { kind: 'notAuthorized' };
    session = reduce(policy, session, answered(outcome, { at: due + 100, startedAt: due }));
  }
  return asked;
}

test('polls make one request an interval and method, however often viewers leave', () => {
  const gapsOf = (times: readonly number[]): number[] => times.slice(1).map((time, index) => time - (times[index] ?? time));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 200, max: 179_000 }), { maxLength: 60, size: 'max' }), (switches) => {
      const asked = attempt(switches);
      for (const one of asked) if (one.isUnwatched) expect(one.ask).toBe('state');
      for (const gap of gapsOf(asked.map((one) => one.at))) expect(gap).toBeGreaterThanOrEqual(MIN_SPACING_MS);
      for (const ask of ['qr', 'state'] as const) {
        const times = asked.filter((one) => one.ask === ask).map((one) => one.at);
        for (const gap of gapsOf(times)) expect(gap).toBeGreaterThanOrEqual(policy.intervalMs);
      }
    }),
    { numRuns: 500 },
  );
});
