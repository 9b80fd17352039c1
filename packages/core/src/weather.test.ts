import { describe, expect, it } from 'vitest';
import { ANSWER_SECONDS, MINUTE_MS, type StoredMinute, weatherFieldsOf, weatherOf, weatherSchema } from './weather.ts';

const T = 29_833_333 * MINUTE_MS;
const HOST = '1101.api.green-api.com';

/** A minute in which the host gave these answers. */
function minute(n: number, answers: readonly (readonly [outcome: string, tookMs: number])[], host = HOST): StoredMinute {
  const fields: Record<string, string> = {};
  for (const [outcome, tookMs] of answers) {
    for (const field of weatherFieldsOf(host, outcome, tookMs)) fields[field] = String(Number(fields[field] ?? 0) + 1);
  }
  return { startsAt: T + n * MINUTE_MS, fields };
}

const times = (number: number, outcome: string, tookMs: number) => Array.from({ length: number }, () => [outcome, tookMs] as const);
const stateOf = (...minutes: StoredMinute[]) => weatherOf(minutes).hosts.map(({ state }) => state);

it.each([
  ['code', 240, [`${HOST} code`, `${HOST} 4`]],
  ['code', 66_000, [`${HOST} code`, `${HOST} 12`]],
  ['provider_not_ready', 240, [`${HOST} provider_not_ready`]],
  ['provider_timeout', 65_000, [`${HOST} provider_timeout`]],
])('an answer raises the counts of its host: %s after %i ms', (outcome, tookMs, fields) => {
  expect(weatherFieldsOf(HOST, outcome, tookMs)).toEqual(fields);
});

it('tells of each host its minutes with requests', () => {
  const both = { ...minute(1, times(2, 'code', 40), 'b.example'), startsAt: T };
  const weather = weatherOf([
    { ...both, fields: { ...both.fields, ...minute(0, [['provider_error', 5]], 'a.example').fields } },
    minute(2, times(1, 'notAuthorized', 70_000), 'b.example'),
  ]);
  expect(weatherSchema.parse(weather)).toEqual(weather);
  expect(weather).toEqual({
    hosts: [
      {
        host: 'a.example',
        state: 'fine',
        minutes: [{ startsAt: T, requests: 1, outcomes: { provider_error: 1 }, took: Array(13).fill(0) }],
      },
      {
        host: 'b.example',
        state: 'fine',
        minutes: [
          { startsAt: T, requests: 2, outcomes: { code: 2 }, took: [0, 0, 2, ...Array(10).fill(0)] },
          { startsAt: T + 2 * MINUTE_MS, requests: 1, outcomes: { notAuthorized: 1 }, took: [...Array(12).fill(0), 1] },
        ],
      },
    ],
    tookBounds: ANSWER_SECONDS,
  });
});

describe('the state of a host', () => {
  const [fast, slow, dead] = [times(20, 'code', 100), times(20, 'code', 4_000), times(20, 'provider_timeout', 65_000)];

  it.each([
    ['fine', [fast, fast]],
    ['slow', [fast, slow]],
    ['down', [slow, dead]],
    ['fine', [dead, fast]],
  ] as const)('is %s by its last minutes', (state, minutes) => {
    expect(stateOf(...minutes.map((answers, n) => minute(n, answers)))).toEqual([state]);
  });

  it('is not changed by the few answers of a minute that has just begun', () => {
    expect(stateOf(minute(0, slow), minute(1, times(4, 'code', 100)))).toEqual(['slow']);
  });

  it('is not judged by what was long ago', () => {
    const few = [1, 2, 3, 4, 5].map((n) => minute(n, times(2, 'code', 100)));
    expect(stateOf(minute(0, slow), ...few)).toEqual(['fine']);
  });
});

it('leaves out fields that are not ours', () => {
  const fields = { 'a b c': '1', '': '1', alone: '1', 'host 99': '1', 'host code': 'x' };
  expect(weatherOf([{ startsAt: T, fields }]).hosts).toEqual([]);
});
