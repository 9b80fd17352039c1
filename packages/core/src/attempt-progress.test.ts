/** The steps of attempts, as they are counted. Times are seconds after the session was created. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answered, code, created, linked, linkedAs, policy, refused, T0, trouble } from '../test/fixtures.ts';
import { history } from '../test/histories.ts';
import { ATTEMPT_STEPS, codelessAfterMs, type StepTaken, stepsTaken } from './attempt-progress.ts';
import { reduce, type SessionEvent } from './reduce.ts';
import { isPolled, type Session } from './session.ts';

const s = (seconds: number): number => T0 + seconds * 1_000;
const told = (at: number, outcome: Parameters<typeof answered>[0]): SessionEvent =>
  answered(outcome, { at: s(at), startedAt: s(at - 0.1) });
const event = (kind: 'watched' | 'unwatched' | 'resumed' | 'cancelled' | 'elapsed', at: number): SessionEvent => ({ kind, at: s(at) });

const play = (...events: SessionEvent[]) => playFrom(created(), ...events);

function playFrom(first: Session, ...events: SessionEvent[]): { session: Session; taken: StepTaken[] } {
  let session = first;
  const taken = events.flatMap((next) => {
    const before = session;
    session = reduce(policy, before, next);
    return stepsTaken(before, session, next.at);
  });
  return { session, taken };
}
const stepsOf = (...events: SessionEvent[]): StepTaken[] => play(...events).taken;

describe('an attempt', () => {
  test('takes all steps of a login with a password, with the times that are known', () => {
    const { session, taken } = play(
      event('watched', 0),
      told(1, code('a')),
      told(6, code('b')),
      told(11, { kind: 'passwordWanted' }),
      told(16, { kind: 'passwordWanted' }),
      told(21, linked),
    );
    expect(taken).toEqual([
      { step: 'watched' },
      { step: 'code_shown', tookMs: 1_000 },
      { step: 'scanned' },
      { step: 'password' },
      { step: 'connected', tookMs: 10_000 },
    ]);
    expect(session).toMatchObject({ codes: 2, scannedAt: s(11), wantedPassword: true });
  });

  test('that is seen connected at once was scanned, but nobody knows when', () => {
    expect(stepsOf(event('watched', 0), told(1, code('a')), told(6, linked)).slice(2)).toEqual([
      { step: 'scanned' },
      { step: 'connected' },
    ]);
  });

  test.each([true, false])('that ends because of another account was scanned (with a logout: %s)', (logoutOnMismatch) => {
    const owned = created({ expectedPhone: '79990000000', logoutOnMismatch });
    const other = linkedAs('79991112233');
    const { taken } = playFrom(owned, event('watched', 0), told(1, code('a')), told(6, other), told(8, { kind: 'loggedOut' }));
    expect(taken.filter(({ step }) => step !== 'ended')).toEqual([
      { step: 'watched' },
      { step: 'code_shown', tookMs: 1_000 },
      { step: 'scanned' },
    ]);
    expect(taken.at(-1)).toEqual({ step: 'ended', reason: 'account_mismatch' });
  });

  test('is scanned when its instance starts after a code', () => {
    const starting = trouble('instance_starting');
    expect(stepsOf(event('watched', 0), told(1, code('a')), told(6, starting), told(11, linked)).slice(2)).toEqual([
      { step: 'scanned' },
      { step: 'connected', tookMs: 5_000 },
    ]);
  });

  test.each<[string, SessionEvent[], string]>([
    ['its deadline', [event('elapsed', 180)], 'deadline'],
    ['a cancel', [event('cancelled', 2)], 'cancelled'],
    ['nobody who looks', [event('unwatched', 2)], 'unwatched'],
    ['refusals', [told(1, refused), told(7, refused), told(13, refused)], 'credentials_rejected'],
  ])('ends by %s', (_, events, reason) => {
    expect(stepsOf(event('watched', 0), ...events)).toEqual([{ step: 'watched' }, { step: 'ended', reason }]);
  });

  test('begins again with nothing counted', () => {
    const { session, taken } = play(
      event('watched', 0),
      told(1, code('a')),
      event('elapsed', 180),
      event('resumed', 200),
      told(203, code('b')),
    );
    expect(taken.slice(2)).toEqual([{ step: 'ended', reason: 'deadline' }, { step: 'watched' }, { step: 'code_shown', tookMs: 3_000 }]);
    expect(session.codes).toBe(1);
  });

  test('that time has ended unseen is counted as ended when the next begins', () => {
    expect(stepsOf(event('watched', 0), event('resumed', 200)).slice(1)).toEqual([
      { step: 'ended', reason: 'deadline' },
      { step: 'watched' },
    ]);
  });

  test('counts a code again that came back after it was stale, and none that is only confirmed', () => {
    expect(play(event('watched', 0), told(1, code('a')), told(6, code('a'))).session.codes).toBe(1);
    expect(play(event('watched', 0), told(1, code('a')), event('elapsed', 21), told(24, code('a'))).session.codes).toBe(2);
  });

  test('that is over is not ended twice', () => {
    expect(
      stepsOf(event('watched', 0), event('elapsed', 180), event('cancelled', 190)).filter(({ step }) => step === 'ended'),
    ).toHaveLength(1);
    expect(stepsOf(event('cancelled', 1))).toEqual([]);
  });
});

describe('an attempt needs no code', () => {
  const codelessOf = (...events: SessionEvent[]): number[] => {
    let session = created();
    return events.flatMap((next) => {
      const before = session;
      session = reduce(policy, before, next);
      return codelessAfterMs(before, session, next.at) ?? [];
    });
  };

  test.each<[string, SessionEvent[], number[]]>([
    ['if its instance is linked already', [told(1, linked)], [1_000]],
    ['if its credentials are refused', [told(1, refused), told(7, refused), told(13, refused)], [7_000]],
    ['if somebody ends it before', [event('cancelled', 2)], [2_000]],
    ['if it wants a password first, and once only', [told(1, { kind: 'passwordWanted' }), told(6, linked)], [1_000]],
    ['but not after it has shown one', [told(1, code('a')), told(6, linked)], []],
    ['but not while it waits for one', [told(1, trouble('provider_not_ready'))], []],
  ])('%s', (_, events, expected) => {
    expect(codelessOf(event('watched', 0), ...events)).toEqual(expected);
  });

  test('only if there is an attempt', () => {
    expect(codelessOf(event('cancelled', 1))).toEqual([]);
  });

  test('if the one before has shown one', () => {
    expect(codelessOf(event('watched', 0), told(1, code('a')), event('elapsed', 180), event('resumed', 200), told(203, linked))).toEqual([
      3_000,
    ]);
  });
});

test('in any history each attempt takes each step once at most, and attempts begin and end in turn', () => {
  fc.assert(
    fc.property(history, ({ policy: given, first, events }) => {
      let before = first;
      let isOpen = isPolled(first);
      let taken = new Set<string>();
      for (const next of events) {
        const after = reduce(given, before, next);
        for (const { step } of stepsTaken(before, after, next.at)) {
          if (step === 'watched') {
            expect(isOpen).toBe(false);
            isOpen = true;
            taken = new Set();
          }
          expect(taken.has(step), step).toBe(false);
          taken.add(step);
          if (step === 'ended') expect(isOpen).toBe(true);
          if (step === 'ended' || step === 'connected') isOpen = false;
        }
        expect(isOpen).toBe(isPolled(after));
        before = after;
      }
    }),
    { numRuns: 1_000 },
  );
  expect(new Set(ATTEMPT_STEPS).size).toBe(ATTEMPT_STEPS.length);
});
