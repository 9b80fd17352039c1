/** The timeline of a session in the OpenAPI document. */

import { type Timeline, timelineSchema } from '../timeline.ts';
import { EXAMPLE_SHOWING } from './examples.ts';
import type { Operation } from './http.ts';

const AT = EXAMPLE_SHOWING.startedAt;
const QUIET = { answer: null, tookMs: null, notice: null, endReason: null, isUnwatched: false, codes: 0, repeats: 0 } as const;

const EXAMPLE_TIMELINE: Timeline = {
  sessionId: EXAMPLE_SHOWING.id,
  entries: [
    { ...QUIET, kind: 'change', at: AT, version: 1, cause: 'created', state: 'idle' },
    { ...QUIET, kind: 'change', at: AT + 1_100, version: 1_100, cause: 'watched', state: 'waiting' },
    {
      ...QUIET,
      kind: 'change',
      at: AT + 1_236,
      version: 1_236,
      cause: 'answered',
      answer: 'code',
      tookMs: 118,
      state: 'showing',
      codes: 1,
    },
    {
      kind: 'delivery',
      at: AT + 61_100,
      sinceMs: 60_000,
      gateway: '0b9f6f0a-6a0e-4f43-9a53-0d4d2d9f2a6e',
      viewers: 2,
      messages: 26,
      slowestMs: 4,
    },
  ],
  isCut: false,
};

const DESCRIPTION = [
  'For support: what the provider answered, what changed, and what gateways sent to viewers, minute by minute. It holds no code, account or secret.',
  'It is kept as long as the session, and an hour longer. Reading it is not watching.',
].join('\n\n');

const ANSWERS = { 200: { description: 'The timeline', schema: timelineSchema, example: EXAMPLE_TIMELINE } } as const;

export const TIMELINE_OPERATIONS: readonly Operation[] = [
  {
    id: 'readTimeline',
    method: 'get',
    path: '/v1/sessions/{id}/timeline',
    pathParameters: ['session'],
    tag: 'Sessions',
    summary: 'What happened to a session',
    description: DESCRIPTION,
    credentials: [{ kind: 'apiKey' }],
    answers: ANSWERS,
    errors: ['unauthenticated', 'forbidden', 'origin_not_allowed', 'too_many_requests', 'unavailable', 'not_found'],
  },
  {
    id: 'readAnyTimeline',
    method: 'get',
    path: '/v1/admin/sessions/{id}/timeline',
    pathParameters: ['session'],
    tag: 'Sessions',
    summary: 'What happened to a session of any tenant',
    description: DESCRIPTION,
    credentials: [{ kind: 'adminKey' }],
    answers: ANSWERS,
    errors: ['unauthenticated', 'too_many_requests', 'unavailable', 'not_found'],
  },
];
