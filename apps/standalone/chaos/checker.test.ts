import { describe, expect, it } from 'vitest';
import { type Circumstances, check, countDoubled, type Loss, RULE_NAMES, type Rule, type SessionLog, type Told } from './checker.ts';
import { state, told } from './logs.ts';

const NOTHING_HAPPENED: Circumstances = { stopped: [], stalls: [], losses: [] };

const lost = (from: number, to: number, wentBack = true): Loss => ({ from, to, wentBack });

/** A login as it should be: two viewers, of whom one missed a version. */
function goodLog(): SessionLog {
  return {
    sessionId: 'ses_a',
    createdAt: -1_000_000,
    isLoggedIn: true,
    requests: [
      { method: 'qr', startedAt: 1_000, endedAt: 1_050 },
      { method: 'qr', startedAt: 2_500, endedAt: 2_550 },
      { method: 'getStateInstance', startedAt: 4_000, endedAt: 4_010 },
    ],
    viewers: [
      { name: 'a', told: [told(1, 'waiting'), told(2, 'showing'), told(3, null), told(4, 'connected')] },
      { name: 'b', told: [told(2, 'showing'), told(4, 'connected')] },
    ],
    final: { state: 'connected', version: 4 },
    notes: [],
  };
}

const withRequests = (...requests: SessionLog['requests']): SessionLog => ({ ...goodLog(), requests });
const withViewers = (...viewers: (readonly Told[])[]): SessionLog => ({
  ...goodLog(),
  viewers: viewers.map((told, i) => ({ name: `viewer ${i + 1}`, told })),
});

const rulesBrokenBy = (log: SessionLog, circumstances = NOTHING_HAPPENED): Rule[] => check(log, circumstances).map(({ rule }) => rule);

describe('a good log', () => {
  it('breaks no rule', () => {
    expect(check(goodLog(), NOTHING_HAPPENED)).toEqual([]);
  });

  it('may begin with a login, and with a session that nobody watched', () => {
    expect(check(withViewers([told(4, 'connected')], []), NOTHING_HAPPENED)).toEqual([
      { rule: 'connected', sessionId: 'ses_a', what: 'viewer 2 ended as told nothing' },
    ]);
  });
});

describe('a log that breaks a rule', () => {
  const [qr] = goodLog().requests;
  if (qr === undefined) throw new Error('the good log has requests');
  const long = { ...qr, endedAt: 9_000 };
  const open = { ...qr, endedAt: null };
  const later = (at: number) => ({ method: 'qr', startedAt: at, endedAt: at + 10 });
  const stale = { ...state(2, 'showing'), serverNow: 20_000 };

  const logs: readonly (readonly [Rule, string, SessionLog])[] = [
    ['overlap', 'two requests at once', withRequests(long, later(5_000))],
    ['overlap', 'a request beside one that never ends', withRequests(open, later(5_000))],
    ['overlap', 'a third request beside the first', withRequests(long, { ...later(2_500), endedAt: 9_500 }, later(9_200))],
    ['overlap', 'a request whose end came a little later than it may', withRequests({ ...qr, endedAt: 5_200 }, later(5_050))],
    ['overlap', 'requests that are logged in another order', withRequests(later(5_000), long)],
    ['spacing', 'a request too soon', withRequests(qr, later(1_900))],
    ['versions', 'a version twice', withViewers([told(2, 'showing'), told(2, 'showing'), told(4, 'connected')])],
    ['versions', 'an older version', withViewers([told(3, 'showing'), told(2, 'waiting'), told(4, 'connected')])],
    ['versions', 'an older confirmation', withViewers([told(3, 'showing'), told(2, null), told(4, 'connected')])],
    [
      'truth',
      'two states for one version',
      withViewers([told(2, 'waiting'), told(4, 'connected')], [told(2, 'showing'), told(4, 'connected')]),
    ],
    ['late-code', 'a code after connected', withViewers([told(4, 'connected'), told(5, 'showing'), told(6, 'connected')])],
    ['late-code', 'a confirmation after connected', withViewers([told(4, 'connected'), told(5, null)])],
    ['late-code', 'a code to another viewer', withViewers([told(4, 'connected')], [told(5, 'showing'), told(6, 'connected')])],
    ['stale-code', 'a code past its time', withViewers([{ at: 0, version: 2, session: stale }, told(4, 'connected')])],
    ['connected', 'a viewer who is never told', withViewers([told(2, 'showing')], [told(4, 'connected')])],
    ['connected', 'a session that ends otherwise', withViewers([told(2, 'showing'), told(4, 'ended')])],
    ['connected', 'a viewer who was told nothing at all', withViewers([])],
    ['agreement', 'another state in the API', { ...goodLog(), final: { state: 'showing', version: 4 } }],
    ['agreement', 'another version in the API', { ...goodLog(), final: { state: 'connected', version: 5 } }],
  ];

  it.each(logs)('%s: %s', (rule, _what, log) => {
    expect(rulesBrokenBy(log)).toContain(rule);
  });

  it('is there for every rule', () => {
    expect([...new Set(logs.map(([rule]) => rule))].toSorted()).toEqual([...RULE_NAMES].toSorted());
  });
});

describe('circumstances', () => {
  const overlapping = withRequests({ method: 'qr', startedAt: 1_000, endedAt: 9_000 }, { method: 'qr', startedAt: 8_000, endedAt: 8_010 });
  const close = withRequests({ method: 'qr', startedAt: 1_000, endedAt: 1_010 }, { method: 'qr', startedAt: 1_900, endedAt: 1_910 });

  it('a stopped worker cannot end its request, so another one may begin', () => {
    expect(rulesBrokenBy(overlapping, { ...NOTHING_HAPPENED, stopped: [{ from: 1_500, to: 8_500 }] })).toEqual([]);
    expect(rulesBrokenBy(overlapping, { ...NOTHING_HAPPENED, stopped: [{ from: 8_100, to: 8_500 }] })).toEqual(['overlap']);
  });

  it('a stall makes an overlap no better', () => {
    expect(rulesBrokenBy(overlapping, { ...NOTHING_HAPPENED, stalls: [{ from: 1_500, to: 8_500 }] })).toEqual(['overlap']);
  });

  it('a request that came late may be followed sooner, by as much', () => {
    expect(rulesBrokenBy(close, { ...NOTHING_HAPPENED, stalls: [{ from: 800, to: 1_000 }] })).toEqual([]);
    expect(rulesBrokenBy(close, { ...NOTHING_HAPPENED, stalls: [{ from: 900, to: 950 }] })).toEqual(['spacing']);
    expect(rulesBrokenBy(close, { ...NOTHING_HAPPENED, stalls: [{ from: 2_000, to: 9_000 }] })).toEqual(['spacing']);
  });

  it('an instance whose claim was lost may be asked once more, and not again', () => {
    const losses = [lost(900, 1_850)];
    expect(rulesBrokenBy(close, { ...NOTHING_HAPPENED, losses })).toEqual([]);
    expect(rulesBrokenBy(overlapping, { ...NOTHING_HAPPENED, losses })).toEqual([]);
    for (const other of [lost(1_200, 1_850), lost(900, 2_100), lost(100, 800)])
      expect(rulesBrokenBy(close, { ...NOTHING_HAPPENED, losses: [other] })).toEqual(['spacing']);
  });

  it('it may be asked once more, too, if the first request was sent before its claim was lost and came late', () => {
    const stalls = [{ from: 920, to: 1_000 }];
    expect(rulesBrokenBy(close, { ...NOTHING_HAPPENED, stalls })).toEqual(['spacing']);
    expect(rulesBrokenBy(close, { ...NOTHING_HAPPENED, stalls, losses: [lost(100, 830)] })).toEqual([]);
    expect(rulesBrokenBy(close, { ...NOTHING_HAPPENED, stalls, losses: [lost(100, 800)] })).toEqual(['spacing']);
  });

  it('an instance may be asked twice while two servers take writes, and that is counted', () => {
    const forked = { ...NOTHING_HAPPENED, losses: [lost(900, 9_000, false)] };
    for (const log of [close, overlapping]) {
      expect(rulesBrokenBy(log, forked)).toEqual([]);
      expect(countDoubled(log, forked)).toBe(1);
      expect(countDoubled(log, NOTHING_HAPPENED)).toBe(0);
    }
    // Claimed just before the master was replaced, and sent when the worker had found the new one.
    expect(rulesBrokenBy(close, { ...NOTHING_HAPPENED, losses: [lost(-3_000, -1_500, false)] })).toEqual([]);
    expect(rulesBrokenBy(close, { ...NOTHING_HAPPENED, losses: [lost(-3_000, -2_500, false)] })).toEqual(['spacing']);
    const before = { ...NOTHING_HAPPENED, losses: [lost(1_200, 9_000, false)] };
    expect(rulesBrokenBy(close, before)).toEqual(['spacing']);
    expect(rulesBrokenBy(overlapping, before)).toEqual([]); // the claim was there, and its extension was lost
  });

  it('a Redis that forgot a version gives its number to nothing else, and to nobody twice', () => {
    const forgotten = { ...NOTHING_HAPPENED, losses: [lost(0, 1)] };
    const twice = withViewers([told(2, 'waiting'), told(4, 'connected')], [told(2, 'showing'), told(4, 'connected')]);
    expect(rulesBrokenBy(twice, forgotten)).toEqual(['truth']);
    const back = withViewers([told(2, 'waiting'), told(2, 'showing'), told(4, 'connected')]);
    expect(rulesBrokenBy(back, forgotten)).toContain('versions');
  });

  it('two masters may give one number to two changes, while both take writes', () => {
    const twice = withViewers(
      [{ ...told(2, 'waiting'), at: 2_000 }, told(4, 'connected')],
      [{ ...told(2, 'showing'), at: 2_100 }, told(4, 'connected')],
    );
    const broken = (from: number, to: number, wentBack: boolean): Rule[] =>
      rulesBrokenBy(twice, { ...NOTHING_HAPPENED, losses: [lost(from, to, wentBack)] });
    expect(broken(1_900, 9_000, false)).toEqual([]);
    for (const others of [broken(1_900, 9_000, true), broken(2_050, 9_000, false), broken(100, 1_950, false)])
      expect(others).toEqual(['truth']);
  });

  it('a login that Redis forgot may be told again under any number, and others may see codes until then', () => {
    const early = { ...told(4, 'connected'), at: 5_000 };
    const late = [told(2, 'showing'), told(5, 'showing'), told(6, 'connected')];
    const log = { ...withViewers([early], late), final: { state: 'connected', version: 6 } } as const;
    const around = (from: number, to: number): Circumstances => ({ ...NOTHING_HAPPENED, losses: [lost(from, to)] });
    expect(rulesBrokenBy(log, around(4_000, 6_000))).toEqual([]);
    expect(rulesBrokenBy(log, around(6_000, 7_000))).toEqual(['late-code']);
    const heldBack = { ...log, createdAt: 996 }; // it was made at 1,000, and a frozen gateway told it at 5,000
    expect(rulesBrokenBy(heldBack, around(900, 1_100))).toEqual([]);
    const lower = { ...withViewers([early]), final: { state: 'connected', version: 3 } } as const;
    expect(rulesBrokenBy(lower, around(4_000, 6_000))).toEqual([]);
    expect(rulesBrokenBy(lower, around(6_000, 7_000))).toEqual(['agreement']);
  });

  it('a Redis that forgot a login may have learned of it again, and never lost it', () => {
    const forgotten = { ...NOTHING_HAPPENED, losses: [lost(0, 1)] };
    expect(rulesBrokenBy({ ...goodLog(), final: { state: 'connected', version: 9 } }, forgotten)).toEqual([]);
    expect(rulesBrokenBy({ ...goodLog(), final: { state: 'connected', version: 3 } }, forgotten)).toEqual(['agreement', 'agreement']);
  });
});
