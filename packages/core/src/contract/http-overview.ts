/** The overview of sessions in the OpenAPI document. */

import {
  listAllSessionsSchema,
  OVERVIEW_LENGTH,
  type OverviewSession,
  overviewListSchema,
  overviewSchema,
  watchOverviewSchema,
} from '../overview.ts';
import { EXAMPLE_SHOWING } from './examples.ts';
import type { Operation } from './http.ts';

const { id, instanceId, reference, version, state, notice, end, viewers, startedAt, deadlineAt, expiresAt } = EXAMPLE_SHOWING;
const EXAMPLE: OverviewSession = {
  ...{ id, tenantId: 'acme', instanceId, reference, version, state, notice, end, viewers },
  ...{ createdAt: startedAt, startedAt, deadlineAt, expiresAt },
};

const STREAM = [
  `A stream of Server-Sent Events, which you read by \`fetch\`: the key comes in the header alone. The first event \`sessions\` has the live sessions and those that ended within the last hour, ${OVERVIEW_LENGTH} at most: live ones first, and the newest of each tenant. Later ones have what has changed, at most one every 2 s. A reader that is slow gets the newest state.`,
  'It is not watching: no session is polled for it, and it counts as no viewer. It holds no code and no account. While Redis does not answer, a comment says so and nothing else comes. The events `draining` and `closing` are as in a stream of a session. A gateway has at most 20 such streams, 4 of one tenant.',
].join('\n\n');

const STREAM_ANSWERS = {
  200: { description: 'The stream. This is the data of each event `sessions`', type: 'text/event-stream', schema: overviewSchema },
} as const;

export const OVERVIEW_OPERATIONS: readonly Operation[] = [
  {
    id: 'watchOverview',
    method: 'get',
    path: '/v1/overview',
    tag: 'Sessions',
    summary: 'Look at all your sessions',
    description: STREAM,
    credentials: [{ kind: 'apiKey' }],
    answers: STREAM_ANSWERS,
    errors: ['unauthenticated', 'forbidden', 'origin_not_allowed', 'too_many_requests', 'unavailable'],
  },
  {
    id: 'watchWholeOverview',
    method: 'get',
    path: '/v1/admin/overview',
    tag: 'Sessions',
    summary: 'Look at the sessions of one tenant, or of all',
    description: STREAM,
    credentials: [{ kind: 'adminKey' }],
    query: watchOverviewSchema,
    answers: STREAM_ANSWERS,
    errors: ['unauthenticated', 'too_many_requests', 'unavailable'],
  },
  {
    id: 'listAllSessions',
    method: 'get',
    path: '/v1/admin/sessions',
    tag: 'Sessions',
    summary: 'List the sessions of one tenant, or of all',
    description:
      'Newest first, without codes and accounts. A page of a filtered list may be short or empty and still have a `nextCursor`. Listing does not count as watching.',
    credentials: [{ kind: 'adminKey' }],
    query: listAllSessionsSchema,
    answers: { 200: { description: 'One page', schema: overviewListSchema, example: { sessions: [EXAMPLE], nextCursor: null } } },
    errors: ['unauthenticated', 'too_many_requests', 'unavailable'],
  },
];
