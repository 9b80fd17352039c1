/** What needs no credential: health, the contract itself, and what browsers load, as the OpenAPI document tells it. */

import { z } from 'zod';
import { healthSchema, pageOriginsSchema } from './answers.ts';
import type { Answer, AnswerHeader, Operation } from './http.ts';

const CACHED: readonly AnswerHeader[] = ['ETag'];
const UNCHANGED: Answer = { description: 'What you have is the newest', headers: CACHED };
const DOCUMENT = z.looseObject({});

export const PAGE_OPERATIONS: readonly Operation[] = [
  {
    id: 'home',
    method: 'get',
    path: '/',
    tag: 'Pages',
    summary: 'What this is',
    description:
      'In Russian or English, by `Accept-Language`. Outside of `/v1` whoever asks for `text/html` is told every refusal on such a page; everybody else gets problem+json.',
    credentials: [],
    answers: { 200: { description: 'The page', type: 'text/html' } },
    errors: ['invalid_request', 'not_found'],
  },
  {
    id: 'loginPage',
    method: 'get',
    path: '/connect',
    tag: 'Pages',
    summary: 'The hosted login page',
    description:
      'Open it as `pageUrl` says: the ticket stands in the fragment (`/connect#<ticket>`), so no server and no referrer log sees it. A fragment that was damaged on the way is mended. It cannot be framed; for that there is `/connect/{id}`.',
    credentials: [],
    requestHeaders: ['If-None-Match'],
    answers: { 200: { description: 'The page', type: 'text/html', headers: CACHED }, 304: UNCHANGED },
    errors: [],
  },
  {
    id: 'framedLoginPage',
    method: 'get',
    path: '/connect/{id}',
    pathParameters: ['session'],
    tag: 'Pages',
    summary: 'The hosted login page, for a frame',
    description:
      'For `<iframe src="…/connect/<session id>#<ticket>">`. Pages of the tenant\'s `allowedOrigins` may frame it, and no others; where there are none, or no such session, nobody may.',
    credentials: [],
    requestHeaders: ['If-None-Match'],
    answers: { 200: { description: 'The page', type: 'text/html', headers: CACHED }, 304: UNCHANGED },
    errors: ['not_found', 'unavailable'],
  },
  {
    id: 'loginPageOrigins',
    method: 'get',
    path: '/connect/{id}/origins',
    pathParameters: ['session'],
    tag: 'Pages',
    summary: 'Whom the login page tells the result',
    description:
      'The hosted page asks this when a page opened it or frames it. No credential: it says no more than the `frame-ancestors` of `/connect/{id}`.',
    credentials: [],
    answers: {
      200: { description: 'The origins', schema: pageOriginsSchema, example: { origins: ['https://app.example.com'] } },
    },
    errors: ['not_found', 'unavailable'],
  },
  {
    id: 'loginElement',
    method: 'get',
    path: '/element.js',
    tag: 'Pages',
    summary: 'The login as an element for your own page',
    description:
      'One module, from any origin: `<script type="module" src="…/element.js"></script>` and `<qrcast-login ticket="…"></qrcast-login>`.',
    credentials: [],
    requestHeaders: ['If-None-Match'],
    answers: { 200: { description: 'The module', type: 'text/javascript', headers: CACHED }, 304: UNCHANGED },
    errors: [],
  },
  {
    id: 'clientModule',
    method: 'get',
    path: '/client.js',
    tag: 'Pages',
    summary: 'The client library for your own page, without a bundler',
    description:
      "One module, from any origin, that exports `watchSession` and `socketIo`: `import { watchSession } from '…/client.js'`. It is the same file as in the npm package `@qrcast/client`.",
    credentials: [],
    requestHeaders: ['If-None-Match'],
    answers: { 200: { description: 'The module', type: 'text/javascript', headers: CACHED }, 304: UNCHANGED },
    errors: [],
  },
  {
    id: 'docs',
    method: 'get',
    path: '/docs',
    tag: 'Pages',
    summary: 'The contract for people',
    credentials: [],
    requestHeaders: ['If-None-Match'],
    answers: { 200: { description: 'The page', type: 'text/html', headers: CACHED }, 304: UNCHANGED },
    errors: [],
  },
  {
    id: 'openApi',
    method: 'get',
    path: '/openapi.json',
    tag: 'Service',
    summary: 'The HTTP calls, for machines',
    description: 'This document, OpenAPI 3.1.',
    credentials: [],
    requestHeaders: ['If-None-Match'],
    answers: { 200: { description: 'OpenAPI 3.1', schema: DOCUMENT, headers: CACHED }, 304: UNCHANGED },
    errors: [],
  },
  {
    id: 'asyncApi',
    method: 'get',
    path: '/asyncapi.json',
    tag: 'Service',
    summary: 'The streams, for machines',
    credentials: [],
    requestHeaders: ['If-None-Match'],
    answers: { 200: { description: 'AsyncAPI 3.0', schema: DOCUMENT, headers: CACHED }, 304: UNCHANGED },
    errors: [],
  },
  {
    id: 'alive',
    method: 'get',
    path: '/healthz',
    tag: 'Service',
    summary: 'Is the process alive?',
    credentials: [],
    answers: { 200: { description: 'It is', schema: healthSchema, example: { status: 'alive' } } },
    errors: [],
  },
  {
    id: 'ready',
    method: 'get',
    path: '/readyz',
    tag: 'Service',
    summary: 'Does it deliver?',
    description:
      'A message published through Redis comes back to this process, the queue answers, and it is not draining. It does not tell whether a worker runs.',
    credentials: [],
    answers: {
      200: { description: 'It delivers', schema: healthSchema, example: { status: 'ready' } },
      503: {
        description: 'It does not deliver now',
        schema: healthSchema,
        example: { status: 'not ready', reason: 'draining, or Redis or the queue does not answer' },
      },
    },
    errors: [],
  },
];
