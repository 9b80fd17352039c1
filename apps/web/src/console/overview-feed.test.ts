import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Answer, Failure } from './api.ts';
import { type FeedState, openOverviewFeed, pauseMs } from './overview-feed.ts';

const NOW = 1_790_000_000_000;
beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const SESSIONS = 'event: sessions\ndata: {"at":1,"isFirst":true,"sessions":[],"gone":[],"isCut":false}\n\n';
const closing = (closing: object): string => `event: closing\ndata: ${JSON.stringify(closing)}\n\n`;
const refusal = (trouble: Failure['trouble'], waitMs: number | null = null): Answer<never> => ({
  ok: false,
  failure: { trouble, detail: null, retryAt: waitMs === null ? null : Date.now() + waitMs },
});

/** Each stream that is opened is told what stands in `answers`, and then cut. */
function open(answers: (string | (() => Answer<never>))[], failure: Failure | null = null) {
  const states: FeedState[] = [];
  const opened: number[] = [];
  const feed = openOverviewFeed(
    {
      api: {
        async open() {
          opened.push(Date.now() - NOW);
          const answer = answers.shift() ?? (() => refusal('noConnection'));
          if (typeof answer === 'function') return answer();
          return { ok: true, body: new Response(answer).body as ReadableStream<Uint8Array> }; // it has one
        },
      },
      path: '/v1/overview',
      onOverview: () => undefined,
      onState: (state) => void states.push(state),
    },
    failure,
  );
  return { feed, states, opened, pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) };
}

it('waits longer after each failure, up to a bound, and never less than it was asked to', () => {
  expect([1, 2, 3, 99].map((failures) => pauseMs(failures, 0, false, 0))).toEqual([1_000, 2_000, 4_000, 30_000]);
  expect(pauseMs(1, 0, false, 1)).toBe(1_250);
  expect([pauseMs(1, 60_000, false, 0), pauseMs(9, 10, false, 0)]).toEqual([60_000, 30_000]);
});

it('begins again after a loss, with growing pauses until something comes', async () => {
  const { opened, states, pass, feed } = open([SESSIONS, () => refusal('noConnection'), () => refusal('noConnection'), SESSIONS]);
  await pass(20_000);
  expect(opened).toEqual([0, 1_000, 3_000, 7_000, 8_000, 10_000, 14_000]);
  expect(states.slice(0, 4)).toMatchObject([
    { kind: 'connecting', failure: null },
    { kind: 'live' },
    { kind: 'lost', retryAt: NOW + 1_000, failure: { trouble: 'noConnection' } },
    { kind: 'connecting', failure: { trouble: 'noConnection' } },
  ]);
  feed.close();
  await pass(100_000);
  expect(opened.length).toBe(7);
});

it('tells a gateway that stops from one that is gone, and comes back when it says', async () => {
  const { opened, states, pass, feed } = open([SESSIONS + closing({ code: 'draining', retryAfterMs: 300 }), SESSIONS]);
  await pass(0);
  expect(states.at(-1)).toMatchObject({ kind: 'lost', retryAt: NOW + 300, failure: { trouble: 'draining' } });
  await pass(300);
  expect(opened).toEqual([0, 300]);
  feed.close();
});

it('does not run in circles at gateways that do nothing but stop', async () => {
  const { opened, pass, feed } = open(Array.from({ length: 9 }, () => closing({ code: 'draining', retryAfterMs: 10 })));
  await pass(20_000);
  expect(opened).toEqual([0, 10, 2_010, 6_010, 14_010]);
  feed.close();
});

it.each([
  ['slow_consumer', 'tooSlow'],
  ['too_many_requests', 'tooMany'],
  ['unavailable', 'unavailable'],
  ['constructor', 'noConnection'],
])('knows the end %s', async (code, trouble) => {
  const { states, pass, feed } = open([closing({ code })]);
  await pass(0);
  expect(states.at(-1)).toMatchObject({ kind: 'lost', failure: { trouble } });
  feed.close();
});

it.each(['unauthenticated', 'forbidden'])('tries no more after %s', async (code) => {
  const { states, opened, pass } = open([closing({ code })]);
  await pass(100_000);
  expect([states.at(-1)?.kind, opened.length]).toEqual(['refused', 1]);
});

it('waits as long as the gateway asks, also if it is opened anew meanwhile', async () => {
  const first = open([() => refusal('tooMany', 9_000)]);
  await first.pass(0);
  const lost = first.states.at(-1);
  if (lost?.kind !== 'lost') throw new Error('expected it to be lost');
  first.feed.close();
  await first.pass(2_000);
  const { opened, states, pass, feed } = open([SESSIONS], lost.failure);
  await pass(6_999);
  expect([opened, states]).toEqual([[], [{ ...lost, retryAt: NOW + 9_000 }]]);
  await pass(1);
  expect(opened).toEqual([9_000]);
  feed.close();
});
