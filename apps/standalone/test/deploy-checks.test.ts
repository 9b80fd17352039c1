import { describe, expect, it } from 'vitest';
import { state } from '../chaos/logs.ts';
import { gapsBetween, isFoundByPoll, loginSpread, mostMissedCodes, unexpectedLines, wrongEnds, wrongStates } from './deploy-checks.ts';
import type { Heard } from './recording-connections.ts';

const KNOWN = 'a line that is known';
const line = (level: number, msg: string): string => JSON.stringify({ level, name: 'gateway', msg });

/** A viewer that was told these codes, by when they were issued. */
function viewer(...issued: readonly number[]) {
  const session = (issuedAt: number) => ({
    ...state(issuedAt, 'showing'),
    code: { image: null, text: null, issuedAt, staleAt: issuedAt + 1 },
  });
  return { sessions: () => issued.map(session) };
}

describe('lines of a log', () => {
  it('are expected below a warning, or by their words', () => {
    expect(unexpectedLines(`${line(30, 'worker is up')}\n${line(40, KNOWN)}\n`, [KNOWN])).toEqual([]);
  });

  it('are not if they warn of anything else, or if nobody logged them', () => {
    const lines = [line(40, 'another line'), line(50, 'a fault'), '(node:1) Warning: something'];
    expect(unexpectedLines(lines.join('\n'), [KNOWN])).toEqual(lines);
  });
});

describe('codes that a viewer missed', () => {
  it.each([
    [0, [viewer(1, 2, 3), viewer(1, 2, 3)]],
    [1, [viewer(1, 2, 3), viewer(1, 3)]],
    [2, [viewer(1, 2, 3, 4, 5), viewer(1, 2, 5), viewer(1, 3, 5)]],
    [2, [viewer(1, 2, 3), viewer(1)]],
    [2, [viewer(3), viewer(1, 2, 3)]],
    [1, [viewer(1, 3), viewer(2, 3)]],
    [3, [viewer(1, 2, 3), viewer()]],
    [0, [viewer()]],
  ])('are %i in a row', (count, viewers) => {
    expect(mostMissedCodes(viewers)).toBe(count);
  });
});

it('measures from one request to the next, in whatever order they are logged', () => {
  const requests = [4_000, 0, 9_000].map((startedAt) => ({ startedAt }));
  expect(gapsBetween(requests)).toEqual([4_000, 5_000]);
});

describe('the end of a connection', () => {
  const lost = (why: string): Heard => ({ at: 2, kind: 'lost', why });
  const closing = (code: string): Heard => ({ at: 1, kind: 'closing', code });

  it('is right if the viewer was told to go elsewhere, or all', () => {
    expect(wrongEnds([closing('draining'), lost('ended'), closing('done'), lost('closed 1000 done'), lost('done')])).toEqual([]);
  });

  it('is wrong if it comes without a word, or for another reason', () => {
    const opened: Heard = { at: 0, kind: 'opened', url: '' };
    expect(wrongEnds([opened, lost('transport close'), opened, closing('slow_consumer'), lost('ended')])).toEqual([
      'transport close',
      'slow_consumer',
    ]);
  });
});

describe('a state', () => {
  it('is right on the way to a login', () => {
    expect(wrongStates(['idle', 'waiting', 'showing', 'connected'].map((kind, i) => state(i, kind as 'idle')))).toEqual([]);
  });

  it('is wrong if nobody is taken to watch, if it has a notice, or if it is another end', () => {
    const notice = { code: 'rate_limited', retryAt: 0 } as const;
    const states = [state(1, 'waiting'), state(2, 'idle'), { ...state(3, 'showing'), notice }, state(4, 'ended')];
    expect(wrongStates(states)).toEqual(['idle  ', 'showing rate_limited ', 'ended  credentials_rejected']);
  });
});

it('measures how long after the first viewer the last one learned of the login', () => {
  const told = (at: number, kind: 'showing' | 'connected') => ({ heard: [{ at, kind: 'session' as const, session: state(1, kind) }] });
  expect(loginSpread([told(5, 'connected'), told(9, 'connected')])).toBe(4);
  expect(loginSpread([told(5, 'connected'), told(9, 'showing')])).toBe(Number.POSITIVE_INFINITY);
});

it('tells a login that a poll found from one that was notified', () => {
  const code = { ...state(1, 'showing'), code: { image: null, text: null, issuedAt: 1, staleAt: 2 } };
  const viewers = [{ heard: [{ at: 5, kind: 'session' as const, session: code }] }, { heard: [] }];
  expect(isFoundByPoll([{ startedAt: 4 }], viewers)).toBe(false);
  expect(isFoundByPoll([{ startedAt: 4 }, { startedAt: 8 }], viewers)).toBe(true);
});
