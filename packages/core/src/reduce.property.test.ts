/**
 * What holds after every event of every history. Histories are random: answers come late, twice and
 * out of order, the clocks of the processes differ a little, and attempts and sessions are short
 * enough to run out. A failure prints the seed and path that replay it.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type History, history, refusals } from '../test/histories.ts';
import type { Outcome } from './outcome.ts';
import { reduce, type SessionEvent } from './reduce.ts';
import { MAX_START_OVERS, MIN_SPACING_MS, type Policy } from './schedule.ts';
import { asksStateOnly, type Code, isFinal, isLoggingOut, isPolled, isTerminal, nextElapseAt, type Session } from './session.ts';
import { owed, toWire, type WireSession } from './wire.ts';

const RUNS = { numRuns: 1_000 };

interface Step {
  readonly policy: Policy;
  readonly before: Session;
  readonly event: SessionEvent;
  readonly after: Session;
}

const seen = new Set<string>();

function steps({ policy, first, events }: History): readonly Step[] {
  let before = first;
  return events.map((event) => {
    const after = Object.freeze(reduce(policy, before, event)); // a later event must not write into it
    const step = { policy, before, event, after };
    seen.add(after.state.kind === 'ended' ? after.state.reason : after.state.kind);
    before = after;
    return step;
  });
}

function always(name: string, check: (step: Step) => void): void {
  test(name, () => {
    fc.assert(
      fc.property(history, (given) => {
        for (const step of steps(given)) check(step);
      }),
      RUNS,
    );
  });
}

describe('after every event', () => {
  always('the version rises exactly when the reference changes', ({ before, after }) => {
    if (after === before) return;
    expect(after.version).toBeGreaterThan(before.version);
  });

  always('the version of a change that is told is at least the time since the session was created', ({ before, event, after }) => {
    if (after.toldVersion !== before.toldVersion) expect(after.version).toBeGreaterThanOrEqual(event.at - after.createdAt);
  });

  always('toldVersion is never above version, and never falls', ({ before, after }) => {
    expect(after.toldVersion).toBeLessThanOrEqual(after.version);
    expect(after.toldVersion).toBeGreaterThanOrEqual(before.toldVersion);
  });

  always('a final session never changes', ({ before, after }) => {
    if (isFinal(before)) expect(after).toBe(before);
  });

  always('after a login or an end only a resume brings a code back', ({ before, event, after }) => {
    if (isTerminal(before) && event.kind !== 'resumed') expect(isPolled(after)).toBe(false);
    if (before.state.kind === 'connected') expect(after).toBe(before);
  });

  always('no code is shown past its time, and no attempt runs past its deadline', ({ event, after }) => {
    if (after.state.kind === 'showing') expect(after.state.code.staleAt).toBeGreaterThan(event.at);
    if (isPolled(after)) expect(Math.min(after.deadlineAt, after.expiresAt)).toBeGreaterThan(event.at);
    expect(nextElapseAt(after)).toBeGreaterThan(event.at);
  });

  always('an attempt ends no later than its session, and no sooner than it began', ({ after }) => {
    expect(after.deadlineAt).toBeLessThanOrEqual(after.expiresAt);
    expect(after.deadlineAt).toBeGreaterThanOrEqual(after.startedAt);
  });

  always('the fence never falls, and an answer not after it changes no more than time does', ({ policy, before, event, after }) => {
    expect(after.fence).toBeGreaterThanOrEqual(before.fence);
    if (event.kind === 'startedOver' || !('startedAt' in event) || event.startedAt > before.fence) return;
    const aged = reduce(policy, before, { kind: 'elapsed', at: event.at });
    if (aged === before) expect(after).toBe(before);
    else expect(after).toEqual(aged);
  });

  always('an answer that comes twice counts once, whatever came in between', ({ policy, before, event, after }) => {
    if (event.kind !== 'answered' || after.fence !== event.startedAt || before.fence === event.startedAt) return;
    expect(reduce(policy, after, event)).toBe(after);
    for (const kind of ['watched', 'hidden', 'unwatched', 'resumed', 'cancelled', 'postponed'] as const) {
      const between = reduce(policy, after, { kind, at: event.at, retryAt: event.at + 5_000 });
      expect(reduce(policy, between, event)).toBe(between);
    }
  });

  always('a request that is reported slow can still be answered', ({ before, event, after }) => {
    if (event.kind === 'slow' && event.startedAt > before.fence) expect(after.fence).toBeLessThan(event.startedAt);
  });

  always('an event has the same result if its time is applied first', ({ policy, before, event, after }) => {
    const aged = reduce(policy, before, { kind: 'elapsed', at: event.at });
    expect(reduce(policy, aged, event)).toEqual(after);
  });

  always('the provider is never asked again sooner than its limit allows', ({ before, event, after }) => {
    if (event.kind !== 'answered' || isTerminal(after) || after.fence === before.fence) return;
    expect(after.next.at).toBeGreaterThanOrEqual(event.startedAt + MIN_SPACING_MS);
    expect(after.next.at).toBeGreaterThanOrEqual(event.at);
  });

  always('a session is never connected with another phone than the expected one', ({ after }) => {
    if (after.state.kind !== 'connected' || after.expectedPhone === null) return;
    expect(after.state.account.phone).toBe(after.expectedPhone);
  });

  always('the login that relink ends connects nobody', ({ before, after }) => {
    if (before.relink && before.state.kind !== 'connected') expect(after.state.kind).not.toBe('connected');
  });

  always('the logout of a wrong account takes few tries and has one end', ({ before, event, after }) => {
    if (after.logoutsLeft === null) return;
    seen.add('a wrong account to log out');
    expect(after.logoutsLeft).toBeGreaterThan(0);
    if (isPolled(after)) expect(after.next.ask).toBe('logout');
    else if (event.kind === 'cancelled') expect(isFinal(after)).toBe(true);
    else expect(after.state).toEqual(before.state.kind === 'ended' ? before.state : { kind: 'ended', reason: 'account_mismatch' });
    if (isPolled(after) && before.logoutsLeft !== null && event.kind === 'answered' && after.fence > before.fence)
      expect(after.logoutsLeft).toBe(before.logoutsLeft - 1);
  });

  always('no code is requested while nobody watches or a person is logging in', ({ after }) => {
    if (isPolled(after) && asksStateOnly(after)) expect(after.next.ask).not.toBe('qr');
    if (after.state.kind === 'password') expect(after.login).toBe('password');
    if (after.isUnwatched) seen.add('unwatched');
    if (after.login === 'finishing') seen.add('finishing');
  });

  always('only a live session is unwatched', ({ before, event, after }) => {
    if (after.isUnwatched) expect(isPolled(after)).toBe(true);
    if (!before.isUnwatched || after.isUnwatched) return;
    const isOver = event.kind === 'watched' || event.kind === 'startedOver' || isLoggingOut(after);
    if (!isOver) expect(isPolled(after)).toBe(false);
    if (after.state.kind === 'ended') expect(after.state.reason).not.toBe('provider_down');
  });

  always('a password step keeps its attempt, and is left three times at most', ({ policy, before, event, after }) => {
    if (before.state.kind === 'password' && isPolled(after) && event.at < before.deadlineAt) expect(after.startedAt).toBe(before.startedAt);
    expect(after.startOvers).toBeLessThanOrEqual(MAX_START_OVERS);
    if (after.startOvers === before.startOvers) return;
    seen.add('started over');
    expect(after).toMatchObject({ startOvers: before.startOvers + 1, login: 'none', isUnwatched: false, startedAt: before.startedAt });
    expect(after.deadlineAt).toBe(Math.min(event.at + policy.attemptMs, after.expiresAt));
    expect(reduce(policy, after, event)).toBe(after);
  });

  always('a suspended account connects nobody', ({ event, after, before }) => {
    if (event.kind !== 'answered' || event.outcome.kind !== 'suspended') return;
    if (before.state.kind !== 'connected') expect(after.state.kind).not.toBe('connected');
  });

  always('a postponed request changes only the notice and its own time, and never comes sooner', ({ policy, before, event, after }) => {
    if (event.kind !== 'postponed') return;
    const aged = reduce(policy, before, { kind: 'elapsed', at: event.at });
    if (after.version === aged.version) return expect(after).toEqual(aged);
    seen.add('postponed');
    const { version, toldVersion } = after;
    const at = Math.max(aged.next.at, event.retryAt);
    const state = { ...aged.state, notice: { code: 'rate_limited', retryAt: at } };
    expect(after).toEqual({ ...aged, version, toldVersion, state, next: { ...aged.next, at } });
  });

  always('a slow host changes only the notice of a session that waits without another one', ({ policy, before, event, after }) => {
    if (event.kind !== 'hostSlow' && event.kind !== 'hostFine') return;
    const aged = reduce(policy, before, { kind: 'elapsed', at: event.at });
    if (after.version === aged.version) return expect(after).toEqual(aged);
    seen.add(event.kind);
    const { version, toldVersion } = after;
    const [old, next] = [null, { code: 'provider_slow', retryAt: event.at }];
    if (event.kind === 'hostSlow') expect(aged.state).toEqual({ kind: 'waiting', notice: old });
    else expect(aged.state).toMatchObject({ kind: 'waiting', notice: { code: 'provider_slow' } });
    expect(after).toEqual({ ...aged, version, toldVersion, state: { kind: 'waiting', notice: event.kind === 'hostSlow' ? next : old } });
  });

  always('a code keeps its picture and its text while it is shown', ({ before, event, after }) => {
    const [was, is, answer] = [codeOf(before, event.at), codeOf(after, event.at), codeIn(event)];
    if (was === null || is === null || (answer !== null && answer.digest !== was.digest)) return;
    expect(is.digest).toBe(was.digest);
    if (was.text !== null) expect(is.text).toBe(was.text);
  });

  always('the same text in another picture is the same code', ({ before, event, after }) => {
    const [was, is, answer] = [codeOf(before, event.at), codeOf(after, event.at), codeIn(event)];
    if (was === null || is === null || was.text === null || answer?.text !== was.text) return;
    if (answer.digest !== was.digest) seen.add('another picture of the same text');
    expect(is).toEqual({ ...was, staleAt: is.staleAt });
  });

  always('a change without a new toldVersion shows viewers only a later staleAt', ({ before, after }) => {
    if (after === before || after.toldVersion > before.toldVersion) return;
    expect(withoutStaleness(viewOf(after))).toEqual(withoutStaleness(viewOf(before)));
  });
});

test('a viewer that receives only what it is owed sees the same as a new reader', () => {
  const delivered = fc.infiniteStream(fc.boolean());
  fc.assert(
    fc.property(history, delivered, (given, arrives) => {
      let told = given.first.version;
      let view = viewOf(given.first);
      const all = steps(given);
      for (const [index, { after }] of all.entries()) {
        const isLast = index === all.length - 1;
        if (!isLast && !arrives.next().value) continue;
        view = follow(view, after, told);
        told = after.version;
        expect(view).toEqual(viewOf(after));
      }
    }),
    RUNS,
  );
});

/**
 * What a client makes of a message. `version` and `serverNow` belong to the message, not to the
 * state.
 */
function follow(view: View, session: Session, told: number): View {
  const due = owed(session, told);
  if (due === 'session') return viewOf(session);
  if (due === 'nothing' || view.code === null || session.state.kind !== 'showing') return view;
  return { ...view, code: { ...view.code, staleAt: session.state.code.staleAt } };
}

function codeOf({ state }: Session, at: number): Code | null {
  return state.kind === 'showing' && state.code.staleAt > at ? state.code : null;
}

function codeIn(event: SessionEvent): Extract<Outcome, { kind: 'code' }> | null {
  return event.kind === 'answered' && event.outcome.kind === 'code' ? event.outcome : null;
}

type View = Omit<WireSession, 'version' | 'serverNow'> & { readonly digest: string | null };

function viewOf(session: Session): View {
  const { version: _version, serverNow: _now, ...rest } = toWire(session, { image: null, viewers: 1, now: 0 });
  return { ...rest, digest: session.state.kind === 'showing' ? session.state.code.digest : null };
}

function withoutStaleness(view: View): View {
  return view.code === null ? view : { ...view, code: { ...view.code, staleAt: 0 } };
}

/** Without this, histories that reach no state would pass all tests above. */
test('the histories reach every state and every end, and show a code in two pictures', () => {
  fc.assert(
    fc.property(history, (given) => {
      steps(given);
    }),
    RUNS,
  );
  const lives = ['idle', 'waiting', 'showing', 'password', 'connected'];
  const ends = [...refusals, 'deadline', 'provider_down', 'cancelled', 'account_mismatch', 'expired'];
  const cases = ['another picture of the same text', 'a wrong account to log out', 'unwatched', 'finishing', 'started over', 'postponed'];
  expect([...lives, ...ends, ...cases].filter((name) => !seen.has(name))).toEqual([]);
});
