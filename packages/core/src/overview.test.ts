import { describe, expect, it } from 'vitest';
import {
  cutOverview,
  elapsedTo,
  isInOverview,
  nextReading,
  type OverviewSession,
  overviewNews,
  overviewSessionSchema,
  type Reading,
  toOverviewSession,
} from './overview.ts';
import { DEFAULT_POLICY } from './schedule.ts';
import { createSession, type Session, type State } from './session.ts';

const BORN = 1_790_000_000_000;
const HOUR_MS = 3_600_000;
const FIELDS = {
  id: 'ses_one',
  tenantId: 'acme',
  instanceId: '1101000001',
  instanceKey: 'a-hash',
  reference: 'order-77',
  expectedPhone: '79990000000',
  logoutOnMismatch: false,
  locale: 'ru',
  returnUrl: 'https://a.example/back',
  relink: false,
  expiresAt: BORN + HOUR_MS,
};
const CODE = { digest: 'd', text: 'https://example.com/:auth/secret-of-the-code', issuedAt: BORN, staleAt: BORN + 20_000 };

function sessionIn(state: State, version = 1_000): Session {
  return { ...createSession(FIELDS, 180_000, BORN), state, version, toldVersion: version };
}

describe('a session in the overview', () => {
  it.each<[string, State]>([
    ['showing a code', { kind: 'showing', code: CODE, notice: { code: 'rate_limited', retryAt: BORN } }],
    ['connected', { kind: 'connected', account: { wid: '79990000000@c.us', phone: '79990000000' } }],
    ['ended', { kind: 'ended', reason: 'deadline' }],
  ])('%s, has the fields of the contract, and no code, account or phone', (_name, state) => {
    const shown = toOverviewSession(sessionIn(state), 3);
    expect(overviewSessionSchema.strict().parse(shown)).toEqual(shown);
    expect(shown).toMatchObject({ id: 'ses_one', tenantId: 'acme', reference: 'order-77', viewers: 3, version: 1_000, state: state.kind });
    for (const secret of ['secret-of-the-code', '79990000000', 'a-hash', 'a.example']) expect(JSON.stringify(shown)).not.toContain(secret);
  });

  it('keeps its version while only its code is renewed', () => {
    const session = { ...sessionIn({ kind: 'showing', code: CODE, notice: null }), version: 9_000 };
    expect(toOverviewSession(session, 0).version).toBe(1_000);
  });

  it.each<[string, State, number, boolean]>([
    ['live, however old', { kind: 'waiting', notice: null }, 48 * HOUR_MS, true],
    ['connected a moment ago', { kind: 'connected', account: { wid: null, phone: null } }, 2_000, true],
    ['ended just under an hour ago', { kind: 'ended', reason: 'cancelled' }, HOUR_MS + 999, true],
    ['ended an hour ago', { kind: 'ended', reason: 'cancelled' }, HOUR_MS + 1_000, false],
  ])('%s: shown or not', (_name, state, afterMs, isShown) => {
    expect(isInOverview(sessionIn(state), BORN + afterMs)).toBe(isShown);
  });
});

describe('if there are too many sessions', () => {
  /** `a5`: live, of the tenant `a`, created at 5. `a5x`: ended. */
  const named = (names: string) =>
    names.split(' ').map((id) => ({
      ...{ id, tenantId: id.charAt(0), createdAt: Number(id.charAt(1)) },
      state: (id.endsWith('x') ? { kind: 'ended', reason: 'cancelled' } : { kind: 'waiting', notice: null }) satisfies State as State,
    }));

  it.each([
    ['those that ended go first, however new they are', 'a9x a8x a3 a2', 3, 'a9x a3 a2'],
    ['those that ended of a tenant hide no live one of another', 'a9x a8x a7x b1', 2, 'a9x b1'],
    ['no tenant pushes another out', 'a9 a8 a7 a6 b2 b1', 4, 'a9 a8 b2 b1'],
    ['nor with ended ones', 'a9x a8x a7x b2x', 2, 'a9x b2x'],
    ['live ones of one tenant go before ended ones of another', 'a9 a8 b7x', 2, 'a9 a8'],
    ['nothing goes while there is room', 'a2 a9x b5', 9, 'a9x b5 a2'],
  ])('%s', (_name, names, count, left) => {
    expect(cutOverview(named(names), count).map(({ id }) => id)).toEqual(left.split(' '));
  });
});

describe('what time has changed is seen before anybody stores it', () => {
  const showing = sessionIn({ kind: 'showing', code: CODE, notice: null });
  it.each<[string, Session, number, string, number]>([
    ['nothing yet', showing, 19_999, 'showing', 1_000],
    ['the code is stale', showing, 20_000, 'waiting', 20_000],
    ['the attempt is over', showing, 180_000, 'ended', 180_000],
    ['and stays so', showing, 200_000, 'ended', 180_000],
    ['nobody came', sessionIn({ kind: 'idle' }), HOUR_MS, 'ended', HOUR_MS],
  ])('%s', (_name, session, afterMs, state, version) => {
    const now = elapsedTo(DEFAULT_POLICY, session, BORN + afterMs);
    expect([now.state.kind, now.toldVersion]).toEqual([state, version]);
  });

  it('is the same session if nothing has', () => {
    expect(elapsedTo(DEFAULT_POLICY, showing, BORN)).toBe(showing);
  });
});

const shown = (id: string, fields: Partial<OverviewSession> = {}): OverviewSession => ({
  ...toOverviewSession(sessionIn({ kind: 'waiting', notice: null }), 0),
  id,
  ...fields,
});
const read = (previous: Reading | null, sessions: readonly OverviewSession[], isCut = false): Reading =>
  nextReading(previous, { at: BORN, sessions, isCut });

describe('what a reader is told', () => {
  const first = read(null, [shown('b'), shown('a')]);

  it('begins with everything', () => {
    expect(overviewNews(null, first)).toMatchObject({
      at: BORN,
      isFirst: true,
      sessions: [{ id: 'b' }, { id: 'a' }],
      gone: [],
      isCut: false,
    });
  });

  it('begins with an empty list where there is nothing', () => {
    expect(overviewNews(null, read(null, []))).toEqual({ at: BORN, isFirst: true, sessions: [], gone: [], isCut: false });
  });

  it.each<[string, readonly OverviewSession[], boolean, readonly string[], readonly string[]]>([
    ['a viewer came', [shown('b', { viewers: 1 }), shown('a')], false, ['b'], []],
    ['a state changed', [shown('b'), shown('a', { state: 'password' })], false, ['a'], []],
    ['a notice came', [shown('b', { notice: { code: 'rate_limited', retryAt: 5 } }), shown('a')], false, ['b'], []],
    ['a session is new', [shown('c'), shown('b'), shown('a')], false, ['c'], []],
    ['a session is gone', [shown('b')], false, [], ['a']],
    ['the oldest gave way', [shown('c'), shown('b')], true, ['c'], ['a']],
    ['there are older ones now', [shown('b'), shown('a')], true, [], []],
  ])('only the change: %s', (_name, sessions, isCut, changed, gone) => {
    const news = overviewNews(first, read(first, sessions, isCut));
    expect(news).toMatchObject({ isFirst: false, gone, isCut });
    expect(news?.sessions.map(({ id }) => id)).toEqual(changed);
  });

  it('is nothing if nothing has changed', () => {
    expect(overviewNews(first, read(first, [shown('b'), shown('a')]))).toBeNull();
  });

  it('leaves out what came and went between two readings that the reader was told', () => {
    const second = read(first, [shown('c'), shown('b'), shown('a', { viewers: 1 })]);
    const third = read(second, [shown('b', { viewers: 2 }), shown('a', { viewers: 3 })]);
    const news = overviewNews(first, third);
    expect([news?.gone, news?.sessions.map(({ id, viewers }) => [id, viewers])]).toEqual([
      [],
      [
        ['b', 2],
        ['a', 3],
      ],
    ]);
  });
});
