/** The checker of a day finds each lie: a login that was dropped, and a count that is off by one. */

import { describe, expect, it } from 'vitest';
import { state, told } from '../chaos/logs.ts';
import { checkAlerts, checkBoard, checkLogins, type Shown } from './day-checker.ts';
import type { DayLog, DayTold, LoginLog } from './day-log.ts';

const NOTHING_HAPPENED = { stopped: [], stalls: [], losses: [] };
const CODE_TTL_MS = 19_000;
/** Unix ms; that of the fixtures is 0, which is when their attempt began. */
const CREATED_AT = 0;
const STALE_AT = 20_000;

const heard = (version: number, of: Parameters<typeof told>[1]): DayTold => ({
  ...told(version, of),
  staleAt: of === 'showing' ? STALE_AT : null,
});

function login(sessionId: string, changed: Partial<LoginLog> = {}): LoginLog {
  return {
    sessionId,
    createdAt: CREATED_AT,
    isLoggedIn: true,
    final: { state: 'connected', version: 3_000 },
    requests: [
      { method: 'qr', startedAt: 900, endedAt: 1_000, status: 200 },
      { method: 'qr', startedAt: 2_400, endedAt: 2_450, status: 200 },
    ],
    viewers: [{ name: 'a', told: [heard(100, 'waiting'), heard(1_000, 'showing'), heard(3_000, 'connected')] }],
    isNotificationLost: false,
    notifications: 1,
    notes: [],
    ...changed,
  };
}

function day(changed: Partial<DayLog> = {}): DayLog {
  return {
    logins: [login('ses_a'), login('ses_b')],
    tries: [{ name: 'session.connected delivered', from: 3_100, to: 3_100 }],
    calledBack: ['ses_a', 'ses_b'],
    refusals: [{ name: 'not_found', from: 5_000, to: 5_010 }],
    unscraped: [],
    ...changed,
  };
}

const TRUTH: Shown = {
  attempts: { watched: 2 },
  steps: { watched: 2, code_shown: 2, scanned: 2, connected: 2 },
  ends: {},
  answers: { answered: 4 },
  tries: { 'session.connected delivered': 1 },
  refusals: { not_found: 1 },
};

const wrongWith = (changed: Partial<LoginLog>): readonly string[] =>
  checkLogins(day({ logins: [login('ses_a', changed), login('ses_b')] }), NOTHING_HAPPENED, CODE_TTL_MS);

describe('the people of a day', () => {
  it('are all well', () => {
    expect(wrongWith({})).toEqual([]);
  });

  it('who left are not asked what they were told', () => {
    const left = { isLoggedIn: false, final: { state: 'idle', version: 9_000 } } as const;
    expect(wrongWith({ ...left, viewers: [{ name: 'a', told: [heard(100, 'waiting')] }] })).toEqual([]);
  });

  it('may send a password right after a poll', () => {
    const [poll, next] = login('ses_a').requests;
    const password = { method: 'sendAuthorizationPassword', startedAt: 1_010, endedAt: 1_020, status: 200 };
    const requests = [poll, password, next].filter((request) => request !== undefined);
    expect(wrongWith({ requests })).toEqual([]);
    expect(wrongWith({ requests: requests.map((request) => ({ ...request, method: 'qr' })) })).toContainEqual(
      expect.stringContaining('ses_a: spacing: qr'),
    );
  });

  it.each<[string, Partial<LoginLog>, string]>([
    [
      'a login that one viewer was not told',
      { viewers: [{ name: 'a', told: [heard(1_000, 'showing')] }] },
      'ses_a: connected: a ended as showing',
    ],
    ['a login that the API has lost', { final: { state: 'waiting', version: 3_000 } }, 'ses_a: agreement: the API says waiting'],
    ['a login that everybody has lost', { viewers: [], final: { state: 'idle', version: 3_000 } }, 'ses_a: agreement: the API says idle'],
    [
      'a promise without an answer',
      { requests: [] },
      'ses_a: promise: a was promised a code until 19000 ms after no answer (version 1000)',
    ],
    [
      'a promise by an answer that failed',
      { requests: [{ method: 'qr', startedAt: 900, endedAt: 1_000, status: 502 }] },
      'ses_a: promise: a was promised a code until 19000 ms after no answer (version 1000)',
    ],
    ['a notification that was not lost', { isNotificationLost: true }, 'ses_a: notification: it was not lost'],
  ])('%s is found', (_name, changed, found) => {
    expect(wrongWith(changed)).toContain(found);
  });

  it('are lost if nobody was called back', () => {
    expect(checkLogins(day({ calledBack: ['ses_a'] }), NOTHING_HAPPENED, CODE_TTL_MS)).toEqual([
      'ses_b: callback: nobody was told of the login',
    ]);
  });
});

describe('the board of a day', () => {
  it('is true', () => {
    expect(checkBoard(day(), TRUTH)).toEqual([]);
  });

  const lies = Object.entries(TRUTH).flatMap(([panel, counts]) =>
    Object.entries(counts as Readonly<Record<string, number>>).flatMap(([name, value]) => [
      [panel, name, value, value + 1] as const,
      [panel, name, value, value - 1] as const,
    ]),
  );
  it.each(lies)('%s: %s is %i, and not %i', (panel, name, value, lie) => {
    const shown = { ...TRUTH, [panel]: { ...TRUTH[panel as keyof Shown], [name]: lie } };
    expect(checkBoard(day(), shown)).toEqual([`${panel}: ${name} is ${lie}, and was ${value}`]);
  });

  it('shows nothing that did not happen', () => {
    expect(checkBoard(day(), { ...TRUTH, ends: { deadline: 1 } })).toEqual(['ends: deadline is 1, and was 0']);
  });

  it('does not show a login that was dropped from the log', () => {
    expect(checkBoard(day({ logins: [login('ses_a')] }), TRUTH)).toContain('steps: connected is 2, and was 1');
  });

  it('may lack what a process counted unscraped, and no more', () => {
    const unscraped = [{ from: 2_900, to: 3_050 }];
    const shown = { ...TRUTH, steps: { ...TRUTH.steps, scanned: 0, connected: 0 } };
    expect(checkBoard(day({ unscraped }), shown)).toEqual([]);
    expect(checkBoard(day({ unscraped }), { ...shown, steps: { ...shown.steps, code_shown: 1 } })).toEqual([
      'steps: code_shown is 1, and was 2',
    ]);
  });

  it('counts an attempt that nobody looks at any more', () => {
    const viewers = [{ name: 'a', told: [heard(100, 'waiting')] }];
    const left = login('ses_c', { isLoggedIn: false, viewers, requests: [], final: { state: 'idle', version: 9_000 } });
    expect(checkBoard(day({ logins: [...day().logins, left] }), TRUTH)).toEqual([
      'attempts: watched is 2, and was 3',
      'steps: watched is 2, and was 3',
      'ends: unwatched is 0, and was 1',
    ]);
  });

  it('may show more refusals of a gateway that stops than callers were answered, and not fewer', () => {
    const refusals = [...day().refusals, { name: 'unavailable', from: 6_000, to: 6_010 }];
    const showing = (unavailable: number) => checkBoard(day({ refusals }), { ...TRUTH, refusals: { not_found: 1, unavailable } });
    expect([showing(0), showing(9)]).toEqual([['refusals: unavailable is 0, and was 1 to Infinity'], []]);
  });
});

it('a day has the alerts that it had to have', () => {
  const alerts = { must: ['Outage'], may: ['Late'], firing: [] };
  expect(checkAlerts({ ...alerts, fired: ['Outage', 'Late'] })).toEqual([]);
  expect(checkAlerts({ ...alerts, fired: [] })).toEqual(['Outage has not fired']);
  expect(checkAlerts({ ...alerts, fired: ['Outage', 'Down'] })).toEqual(['Down has fired without cause']);
  expect(checkAlerts({ ...alerts, fired: ['Outage'], firing: ['Outage'] })).toEqual(['Outage fires still']);
});

it('the fixtures are those of a login', () => {
  expect(state(1, 'showing').code?.staleAt).toBe(STALE_AT);
  expect(state(1, 'showing').startedAt).toBe(CREATED_AT);
});
