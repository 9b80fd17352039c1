import { expect, it } from 'vitest';
import { addCounts, countsOfAnswer, type HostCounts, type HostState, judgeHost, NO_ANSWERS } from './host-weather.ts';

const counts = (fields: Partial<HostCounts>): HostCounts => ({ ...NO_ANSWERS, ...fields });
const timed = (all: number, slow: number): HostCounts => counts({ requests: all, timed: all, slow });

const CASES: readonly (readonly [string, HostState, HostCounts, HostState])[] = [
  ['a host that answers fast is fine', 'fine', timed(20, 0), 'fine'],
  ['a host is slow from half of the answers on', 'fine', timed(20, 10), 'slow'],
  ['fewer do not make it slow', 'fine', timed(20, 9), 'fine'],
  ['a slow host stays slow down to a quarter', 'slow', timed(20, 5), 'slow'],
  ['below a quarter it is fine', 'slow', timed(20, 4), 'fine'],
  ['four answers are no evidence', 'fine', timed(4, 4), 'fine'],
  ['five are', 'fine', timed(5, 5), 'slow'],
  ['a slow host of which little is known stays slow', 'slow', timed(4, 0), 'slow'],
  ['a host of which nothing is known any more is fine', 'slow', NO_ANSWERS, 'fine'],
  ['a host is down from half of the requests on', 'fine', counts({ requests: 20, failed: 10, timed: 10 }), 'down'],
  ['fewer do not make it down', 'fine', counts({ requests: 20, failed: 9, timed: 11 }), 'fine'],
  ['a host that is down stays so down to a quarter', 'down', counts({ requests: 20, failed: 5, timed: 15 }), 'down'],
  ['below a quarter it is fine', 'down', counts({ requests: 20, failed: 4, timed: 16 }), 'fine'],
  ['or slow', 'down', counts({ requests: 20, failed: 4, timed: 16, slow: 8 }), 'slow'],
  ['a slow host that fails is down', 'slow', counts({ requests: 20, failed: 12, timed: 8, slow: 8 }), 'down'],
  ['a host that was down and holds all requests is fine', 'down', counts({ requests: 20, failed: 0, timed: 0 }), 'fine'],
  ['a slow host that holds all requests stays slow', 'slow', counts({ requests: 20, failed: 0, timed: 0 }), 'slow'],
];

it.each(CASES)('%s', (_what, before, given, after) => {
  expect(judgeHost(before, given)).toBe(after);
});

it('a host on the edge does not go to and fro', () => {
  let state: HostState = 'fine';
  for (const slow of [12, 8, 12, 8, 12]) {
    state = judgeHost(state, timed(20, slow));
    expect(state).toBe('slow');
  }
});

it.each<[string, number, Partial<HostCounts>]>([
  ['code', 100, { timed: 1 }],
  ['code', 2_500, { timed: 1 }],
  ['code', 2_501, { timed: 1, slow: 1 }],
  ['credentials_rejected', 9_000, { timed: 1, slow: 1 }],
  ['rate_limited', 100, { timed: 1 }],
  ['provider_not_ready', 60_000, {}],
  ['instance_starting', 60_000, {}],
  ['provider_timeout', 65_000, { failed: 1 }],
  ['provider_unreachable', 10, { failed: 1 }],
  ['provider_error', 10, { failed: 1 }],
])('%s after %i ms counts', (outcome, tookMs, expected) => {
  expect(countsOfAnswer(outcome, tookMs)).toEqual(counts({ requests: 1, ...expected }));
});

it('counts of two stretches are added', () => {
  const one = { requests: 4, failed: 1, timed: 2, slow: 1 };
  expect(addCounts(one, one)).toEqual({ requests: 8, failed: 2, timed: 4, slow: 2 });
});
