/** What the timeline of a session tells, and what it leaves out. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answered, code, created, linked, policy, T0, trouble } from '../test/fixtures.ts';
import { history } from '../test/histories.ts';
import { reduce, type SessionEvent } from './reduce.ts';
import type { Session } from './session.ts';
import { CUT_LINE, decodeTimeline, encodeChange, encodeDelivery, type TimelineEntry, timelineSchema } from './timeline.ts';

const s = (seconds: number): number => T0 + seconds * 1_000;
const told = (at: number, outcome: Parameters<typeof answered>[0]): SessionEvent =>
  answered(outcome, { at: s(at), startedAt: s(at - 0.1) });
const event = (kind: 'watched' | 'hidden' | 'unwatched' | 'resumed' | 'cancelled' | 'elapsed', at: number): SessionEvent => ({
  kind,
  at: s(at),
});

/** The stored lines, and the session in the end. */
function record(...events: SessionEvent[]): { session: Session; lines: string[] } {
  return recordFrom(created(), events);
}

function recordFrom(first: Session, events: readonly SessionEvent[]): { session: Session; lines: string[] } {
  let session = first;
  const lines = events.flatMap((next) => {
    const before = session;
    session = reduce(policy, before, next);
    const line = encodeChange(before, session, next);
    return line === '' ? [] : [line];
  });
  return { session, lines };
}

function entriesOf(...events: SessionEvent[]): readonly TimelineEntry[] {
  const { session, lines } = record(...events);
  return decodeTimeline(session, lines.join('\n')).entries;
}

describe('the timeline of a session', () => {
  test('tells a login from its creation to its end', () => {
    const entries = entriesOf(
      event('watched', 0),
      told(1, trouble('provider_timeout')),
      told(6, code('a')),
      told(11, { kind: 'passwordWanted' }),
      { kind: 'passwordRefused', at: s(12), code: 'password_rejected' },
      told(21, linked),
    );
    const none = { answer: null, tookMs: null, notice: null, endReason: null, isUnwatched: false, codes: 0, kind: 'change' };
    expect(entries.map(({ at }) => (at - T0) / 1_000)).toEqual([0, 0, 1, 6, 11, 12, 21]);
    expect(entries).toMatchObject([
      { ...none, cause: 'created', state: 'idle', version: 1 },
      { ...none, cause: 'watched', state: 'waiting' },
      { ...none, cause: 'answered', answer: 'provider_timeout', tookMs: 100, state: 'waiting', notice: 'provider_timeout' },
      { ...none, cause: 'answered', answer: 'code', tookMs: 100, state: 'showing', codes: 1 },
      { ...none, cause: 'answered', answer: 'password_wanted', tookMs: 100, state: 'password', codes: 1 },
      { ...none, cause: 'password_refused', state: 'password', notice: 'password_rejected', codes: 1 },
      { ...none, cause: 'answered', answer: 'authorized', tookMs: 100, state: 'connected', codes: 1 },
    ]);
  });

  test('leaves out renewals of one code, and tells of the next', () => {
    const { lines } = record(event('watched', 0), told(1, code('a')), told(6, code('a')), told(11, code('a')), told(16, code('b')));
    expect(lines).toHaveLength(3);
  });

  test('tells that nobody looks, and of an end by time with its reason', () => {
    const entries = entriesOf(event('watched', 0), told(1, code('a')), event('hidden', 2), event('watched', 3), event('elapsed', 400));
    expect(entries.slice(3)).toMatchObject([
      { cause: 'hidden', isUnwatched: true, state: 'showing' },
      { cause: 'watched', isUnwatched: false, state: 'showing' },
      { cause: 'elapsed', state: 'ended', endReason: 'deadline', notice: null },
    ]);
  });

  test('marks what only hides or shows the page, and reads how many of those were left out', () => {
    const events = [event('watched', 0), told(1, code('a')), event('hidden', 2), event('watched', 3), event('hidden', 4)];
    const { session, lines } = record(...events);
    expect(lines.map((line) => line.endsWith(',"+0"]'))).toEqual([false, false, true, true, true]);
    const merged = [...lines.slice(0, 3), lines[4]?.replace('"+0"', '"+1"')].join('\n');
    expect(decodeTimeline(session, merged).entries).toMatchObject([
      { cause: 'created', repeats: 0 },
      { cause: 'watched', repeats: 0 },
      { cause: 'answered', repeats: 0 },
      { cause: 'hidden', isUnwatched: true, repeats: 0 },
      { cause: 'hidden', isUnwatched: true, repeats: 1 },
    ]);
  });

  test('sorts what gateways delivered among the changes', () => {
    const { session, lines } = record(event('watched', 0), event('cancelled', 90));
    const delivery = { at: s(60), sinceMs: 60_000, gateway: 'gw_1', viewers: 2, messages: 4, slowestMs: null };
    const { entries } = decodeTimeline(session, [...lines, encodeDelivery(delivery, session.createdAt)].join('\n'));
    expect(entries).toMatchObject([{ cause: 'created' }, { cause: 'watched' }, { kind: 'delivery', ...delivery }, { cause: 'cancelled' }]);
  });

  test('says when older entries are missing, and then does not begin with the creation', () => {
    const { session, lines } = record(event('watched', 0), event('cancelled', 90));
    const timeline = decodeTimeline(session, [CUT_LINE, ...lines.slice(1)].join('\n'));
    expect(timeline).toMatchObject({ sessionId: session.id, isCut: true, entries: [{ cause: 'cancelled' }] });
  });

  test('skips what it cannot read: damage, and entries of a newer version', () => {
    const { session, lines } = record(event('watched', 0));
    for (const damaged of ['{', 'null', '[]', '["c"]', '["x",1]', '["c",1,2,"dreamt","",-1,"waiting","",0,0]', '["d",1,2]']) {
      expect(decodeTimeline(session, [damaged, ...lines].join('\n')).entries.map(({ at }) => at)).toEqual([T0, T0]);
    }
  });

  test('holds no code, account, secret or reference, whatever happens, and can be read back', () => {
    fc.assert(
      fc.property(history, ({ first, events }) => {
        const { session, lines } = recordFrom(first, events);
        const text = lines.join('\n');
        for (const secret of ['data:', 'http', '@c.us', '79990000000', 'order-77', 'key_1']) expect(text).not.toContain(secret);
        const timeline = decodeTimeline(session, text);
        expect(timeline.entries).toHaveLength(lines.length + 1);
        expect(timelineSchema.parse(timeline)).toEqual(timeline);
      }),
    );
  });
});
