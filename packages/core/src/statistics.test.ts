import { expect, it } from 'vitest';
import type { StepTaken } from './attempt-progress.ts';
import { FIRST_CODE_SECONDS, statisticsFieldsOf, statisticsOf, statisticsSchema } from './statistics.ts';

const T = 1_790_000_000_000;

it.each<[StepTaken, readonly string[]]>([
  [{ step: 'watched' }, ['watched']],
  [{ step: 'code_shown', tookMs: 100 }, ['code_shown', 'first:0']],
  [{ step: 'code_shown', tookMs: 101 }, ['code_shown', 'first:1']],
  [{ step: 'code_shown', tookMs: 180_001 }, ['code_shown', 'first:11']],
  [{ step: 'connected', tookMs: 5_000 }, ['connected']],
  [{ step: 'ended', reason: 'deadline' }, ['end:deadline']],
])('%j raises %j', (step, fields) => {
  expect(statisticsFieldsOf(step)).toEqual(fields);
});

it('an hour tells what its fields say', () => {
  const fields = {
    watched: '7',
    code_shown: '6',
    connected: '4',
    'end:deadline': '2',
    'end:unwatched': '1',
    'first:3': '5',
    'first:11': '1',
  };
  const statistics = statisticsOf([{ startsAt: T, fields }]);
  expect(statisticsSchema.parse(statistics)).toEqual({
    hours: [
      {
        startsAt: T,
        attempts: 7,
        steps: { watched: 7, code_shown: 6, scanned: 0, password: 0, connected: 4 },
        ends: { deadline: 2, unwatched: 1 },
        firstCode: [0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1],
      },
    ],
    firstCodeBounds: FIRST_CODE_SECONDS,
  });
});

it('an hour without a field has zeros, and what is no count is left out', () => {
  const [empty, odd] = statisticsOf([
    { startsAt: T, fields: {} },
    { startsAt: T, fields: { watched: 'many', 'first:12': '3', newer: '1' } },
  ]).hours;
  expect(empty).toMatchObject({ attempts: 0, ends: {} });
  expect(odd).toEqual(empty);
});
