/** The statistics of logins, and the weather of the provider, in the OpenAPI document. */

import { readAnyStatisticsSchema, readStatisticsSchema, statisticsOf, statisticsSchema } from '../statistics.ts';
import { readWeatherSchema, weatherOf, weatherSchema } from '../weather.ts';
import { EXAMPLE_SHOWING } from './examples.ts';
import type { Operation } from './http.ts';

const HOST = '1101.api.green-api.com';
const EXAMPLE_FIELDS = {
  watched: '7',
  code_shown: '7',
  scanned: '5',
  connected: '5',
  'end:deadline': '1',
  'end:unwatched': '1',
  'first:3': '7',
};

const STATISTICS = {
  200: {
    description: 'The statistics',
    schema: statisticsSchema,
    example: statisticsOf([{ startsAt: 1_789_999_200_000, fields: EXAMPLE_FIELDS }]),
  },
} as const;
const DESCRIPTION =
  'By the hour, for a week. The figures of the last seconds may be missing. They are for people, not for a bill: a crash of a process or of Redis loses some, or counts them twice.';

export const STATISTICS_OPERATIONS: readonly Operation[] = [
  {
    id: 'readStatistics',
    method: 'get',
    path: '/v1/statistics',
    tag: 'Statistics',
    summary: 'How far your logins came',
    description: DESCRIPTION,
    credentials: [{ kind: 'apiKey' }],
    query: readStatisticsSchema,
    answers: STATISTICS,
    errors: ['unauthenticated', 'forbidden', 'origin_not_allowed', 'too_many_requests', 'unavailable', 'invalid_request'],
  },
  {
    id: 'readAnyStatistics',
    method: 'get',
    path: '/v1/admin/statistics',
    tag: 'Statistics',
    summary: 'How far logins came, of one tenant or of all together',
    description: DESCRIPTION,
    credentials: [{ kind: 'adminKey' }],
    query: readAnyStatisticsSchema,
    answers: STATISTICS,
    errors: ['unauthenticated', 'too_many_requests', 'unavailable', 'invalid_request'],
  },
  {
    id: 'readWeather',
    method: 'get',
    path: '/v1/admin/weather',
    tag: 'Statistics',
    summary: 'How the provider answers, by host and minute',
    description: 'Over the polls of all tenants, for three hours. The figures of the last seconds may be missing.',
    credentials: [{ kind: 'adminKey' }],
    query: readWeatherSchema,
    answers: {
      200: {
        description: 'The weather',
        schema: weatherSchema,
        example: weatherOf([
          {
            startsAt: EXAMPLE_SHOWING.startedAt - (EXAMPLE_SHOWING.startedAt % 60_000),
            fields: { [`${HOST} code`]: '41', [`${HOST} provider_timeout`]: '1', [`${HOST} 4`]: '39', [`${HOST} 5`]: '2' },
          },
        ]),
      },
    },
    errors: ['unauthenticated', 'too_many_requests', 'unavailable', 'invalid_request'],
  },
];
