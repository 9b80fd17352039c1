/** 401, 403 and 404: temporary if the credentials had worked before, final if they never did. */

import { describe, expect, test } from 'vitest';
import { answered, code, created, policy, T0, trouble } from '../test/fixtures.ts';
import type { Outcome, RefusalReason } from './outcome.ts';
import { reduce, type SessionEvent } from './reduce.ts';
import { REFUSED_UNTIL_END_MS } from './schedule.ts';
import { isPolled, type Session } from './session.ts';

const at = (seconds: number): number => T0 + seconds * 1000;
const told = (seconds: number, outcome: Outcome, isHostRefusing = false): SessionEvent => ({
  ...(answered(outcome, { at: at(seconds), startedAt: at(seconds) - 100 }) as Extract<SessionEvent, { kind: 'answered' }>),
  isHostRefusing,
});
const play = (session: Session, ...events: readonly SessionEvent[]): Session =>
  events.reduce((before, event) => reduce(policy, before, event), session);
const refused = (reason: RefusalReason = 'credentials_rejected'): Outcome => ({ kind: 'refused', reason });
const watched: SessionEvent = { kind: 'watched', at: T0 };

/**
 * Refuses every request until the attempt is over or the session ends. Returns when it ended, and
 * how often it was asked.
 */
function refuseFor(session: Session, { until = 170, isHostRefusing = false, reason = 'credentials_rejected' as RefusalReason } = {}) {
  let now = session;
  let asked = 0;
  while (isPolled(now) && now.next.at < at(until)) {
    const startedAt = now.next.at;
    const event = answered(refused(reason), { at: startedAt + 100, startedAt }) as Extract<SessionEvent, { kind: 'answered' }>;
    now = reduce(policy, now, { ...event, isHostRefusing });
    asked++;
  }
  return { session: now, asked, lastAt: now.fence + 100 };
}

const PROOFS: readonly (readonly [name: string, outcome: Outcome])[] = [
  ['a code', code('a')],
  ['a state', { kind: 'notAuthorized' }],
  ['a wanted password', { kind: 'passwordWanted' }],
  ['a suspended account', { kind: 'suspended' }],
  ['an instance that starts', trouble('instance_starting')],
  ['an instance that is not ready', trouble('provider_not_ready')],
];

describe.each(PROOFS)('refusals after %s', (_name, proof) => {
  const proven = play(created(), watched, told(1, proof));

  test('for ten seconds end nothing, and cause a notice', () => {
    const run = refuseFor(proven, { until: 15 });
    expect(isPolled(run.session)).toBe(true);
    expect(run.session.state).toMatchObject({ notice: { code: 'provider_refused' } });
    expect(play(run.session, told(17, code('b'))).state).toMatchObject({ kind: 'showing', notice: null });
  });

  test('end a session whose credentials had worked after a minute, not before', () => {
    const run = refuseFor(proven);
    expect(run.session.state).toEqual({ kind: 'ended', reason: 'credentials_rejected' });
    const lasted = run.lastAt - (run.session.refusedSince ?? 0);
    expect(lasted).toBeGreaterThanOrEqual(REFUSED_UNTIL_END_MS);
    expect(lasted).toBeLessThan(REFUSED_UNTIL_END_MS + 2 * policy.intervalMs);
    expect(run.asked).toBeLessThanOrEqual(REFUSED_UNTIL_END_MS / policy.intervalMs + 2);
  });

  test('do not end it while the whole host refuses', () => {
    expect(isPolled(refuseFor(proven, { isHostRefusing: true }).session)).toBe(true);
  });

  test.each(['instance_deleted', 'instance_blocked', 'instance_expired'] as const)(
    'with a named reason (%s) end the session when repeated',
    (reason) => {
      expect(refuseFor(proven, { reason })).toMatchObject({ asked: 2, session: { state: { kind: 'ended', reason } } });
    },
  );
});

describe('refusals from the start', () => {
  const fresh = play(created(), watched);

  test('end the session at the second, within seconds', () => {
    const run = refuseFor(fresh);
    expect(run).toMatchObject({ asked: 2, session: { state: { kind: 'ended', reason: 'credentials_rejected' } } });
    expect(run.lastAt).toBeLessThan(at(5));
  });

  test('end the session even if the whole host refuses', () => {
    expect(refuseFor(fresh, { isHostRefusing: true }).asked).toBe(2);
  });

  test.each(['provider_error', 'provider_timeout', 'provider_unreachable', 'rate_limited'] as const)(
    '%s before them proves nothing',
    (name) => {
      expect(refuseFor(play(fresh, told(1, trouble(name)))).asked).toBe(2);
    },
  );
});

test('a stray refusal before the first "deleted" does not count as a "deleted"', () => {
  const proven = play(created(), watched, told(1, code('a')));
  const once = play(proven, told(6, refused()), told(8, refused('instance_deleted')), told(13, refused()));
  expect(isPolled(once)).toBe(true);
  expect(play(once, told(18, refused('instance_deleted'))).state).toEqual({ kind: 'ended', reason: 'instance_deleted' });
});

test('the minute of refusals starts again after each good answer, and in each attempt', () => {
  const proven = play(created(), watched, told(1, code('a')));
  const early = refuseFor(proven, { until: 50 }).session;
  const again = refuseFor(play(early, told(52, { kind: 'notAuthorized' })), { until: 100 });
  expect(isPolled(again.session)).toBe(true);
  expect(early.refusedSince).not.toBeNull();
  expect(play(early, told(52, { kind: 'notAuthorized' })).refusedSince).toBeNull();
});

test('credentials that worked are still proven in the next attempt of the session', () => {
  const resumed = play(created(), watched, told(1, code('a')), { kind: 'resumed', at: at(200) });
  expect(resumed.isProven).toBe(true);
  expect(refuseFor(play(resumed, told(201, refused())), { until: 230 }).session.state.kind).not.toBe('ended');
});

test('an expired instance can be tried again, because a new one may say so for an hour', () => {
  const expired = refuseFor(play(created(), watched), { reason: 'instance_expired' }).session;
  expect(expired.state).toEqual({ kind: 'ended', reason: 'instance_expired' });
  const resumed = play(expired, { kind: 'resumed', at: at(60) });
  expect(resumed).toMatchObject({ state: { kind: 'waiting' }, refusals: 0, refusedSince: null });
  expect(play(resumed, told(61, code('a'))).state.kind).toBe('showing');
});
