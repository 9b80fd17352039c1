/**
 * The calls that need no credential, in the OpenAPI document: health, the contract itself, and what
 * browsers load.
 */

import { z } from 'zod';
import { healthSchema, pageOriginsSchema } from './answers.ts';
import type { Answer, AnswerHeader, Operation } from './http.ts';

const CACHED: readonly AnswerHeader[] = ['ETag'];
const UNCHANGED: Answer = { description: 'You have the newest version', headers: CACHED };
const DOCUMENT = z.looseObject({});

export const PAGE_OPERATIONS: readonly Operation[] = [
  {
    id: 'home',
    method: 'get',
    path: '/',
    tag: 'Pages',
    summary: 'A page that says what this service is',
    description:
      'In Russian or English, by `Accept-Language`. Outside of `/v1` a request that accepts `text/html` gets every refusal as such a page. Every other request gets problem+json.',
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
      'Open the `pageUrl` of a session: the ticket is in the fragment (`/connect#<ticket>`), so no server and no referrer log sees it. The page repairs a fragment that was damaged on the way. It cannot be framed; use `/connect/{id}` for that.',
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
      'For `<iframe src="…/connect/<session id>#<ticket>">`. Only pages of the tenant\'s `allowedOrigins` may frame it. If that list is empty, or there is no such session, no page may.',
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
    summary: 'The origins that the login page posts its result to',
    description:
      'The hosted page calls this when another page opened or framed it. It needs no credential, because it says no more than the `frame-ancestors` of `/connect/{id}`.',
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
      'One module, which pages of any origin may load: `<script type="module" src="…/element.js"></script>` and `<qrcast-login ticket="…"></qrcast-login>`.',
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
      "One module, which pages of any origin may load. It exports `watchSession` and `socketIo`: `import { watchSession } from '…/client.js'`. It is the same file as in the npm package `@qrcast/client`.",
    credentials: [],
    requestHeaders: ['If-None-Match'],
    answers: { 200: { description: 'The module', type: 'text/javascript', headers: CACHED }, 304: UNCHANGED },
    errors: [],
  },
  {
    id: 'console',
    method: 'get',
    path: '/console',
    tag: 'Pages',
    summary: 'The console of operators and tenants',
    description:
      'Only where the operator has turned it on (`QRCAST_CONSOLE=on`). The page asks for a key, or takes it from its fragment, and keeps it in memory alone. It cannot be framed.',
    credentials: [],
    answers: { 200: { description: 'The page', type: 'text/html' } },
    errors: ['not_found'],
  },
  {
    id: 'docs',
    method: 'get',
    path: '/docs',
    tag: 'Pages',
    summary: 'The contract, for people to read',
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
    answers: { 200: { description: 'The process is alive', schema: healthSchema, example: { status: 'alive' } } },
    errors: [],
  },
  {
    id: 'ready',
    method: 'get',
    path: '/readyz',
    tag: 'Service',
    summary: 'Can this gateway serve viewers?',
    description:
      'It is ready if Redis accepted a write, a message that it published through Redis came back, and it is not draining. This does not say whether a worker runs.',
    credentials: [],
    answers: {
      200: { description: 'The gateway is ready', schema: healthSchema, example: { status: 'ready' } },
      503: {
        description: 'The gateway is not ready now',
        schema: healthSchema,
        example: { status: 'not ready', reason: 'Redis refuses writes (MISCONF)' },
      },
    },
    errors: [],
  },
];
