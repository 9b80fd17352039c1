/** `/v1/sessions…`, `/v1/tickets…` and the provider's notifications, as the OpenAPI document tells them. */

import { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import { stateNotificationSchema } from '../notification.ts';
import {
  createSessionSchema,
  createTicketSchema,
  eventsSchema,
  listSessionsSchema,
  passwordSchema,
  readSessionSchema,
} from '../requests.ts';
import { createdSessionSchema, createdTicketSchema, sessionAnswerSchema, sessionListSchema, takenSchema } from './answers.ts';
import { EXAMPLE_LISTED, EXAMPLE_PASSWORD, EXAMPLE_RESUMED, EXAMPLE_SESSION, EXAMPLE_SHOWING, EXAMPLE_TICKET } from './examples.ts';
import type { Credential, Operation } from './http.ts';

const KEY: readonly Credential[] = [{ kind: 'apiKey' }];
const VIEWER: readonly Credential[] = [{ kind: 'apiKey' }, { kind: 'ticket', scope: 'view' }];

/** Of every call that asks who calls. `origin_not_allowed` comes before all that a ticket may not do. */
const WHO: readonly ErrorCode[] = ['unauthenticated', 'forbidden', 'origin_not_allowed', 'too_many_requests', 'unavailable'];
/** Of every call that may come with a body, also where none is wanted. */
const BODY: readonly ErrorCode[] = ['invalid_request', 'body_too_large', 'unsupported_media_type'];
/** Of every call for one session. */
const ONE: readonly ErrorCode[] = ['not_found', 'session_expired'];

export const SESSION_OPERATIONS: readonly Operation[] = [
  {
    id: 'createSession',
    method: 'post',
    path: '/v1/sessions',
    tag: 'Sessions',
    summary: 'Create a session, or find the live one',
    description: [
      'Nothing is polled until somebody watches. Hand your user `pageUrl`, or give the ticket to a page of your own.',
      '- With the same token and host as the live session of this instance: **200**, that session, and a new ticket. The other fields of the request are not applied to it, so the call may be repeated safely.',
      '- With another token or host the new request wins: the earlier session ends `cancelled`, and the answer is **201**.',
      '- A resumable end is not live: the call makes a new session.',
    ].join('\n'),
    credentials: KEY,
    body: {
      schema: createSessionSchema,
      isRequired: true,
      example: { instanceId: '1101000001', apiToken: 'the-apiTokenInstance-of-your-instance', reference: 'order-77' },
    },
    answers: {
      200: {
        description: 'The live session of this instance, with a new ticket',
        schema: createdSessionSchema,
        headers: ['Location'],
      },
      201: {
        description: 'A new session. Its ticket has both scopes, the origins of the tenant, and 15 minutes',
        schema: createdSessionSchema,
        headers: ['Location'],
        example: {
          session: EXAMPLE_SESSION,
          ...EXAMPLE_TICKET,
          pageUrl: `https://qrcast.example.com/connect#${EXAMPLE_TICKET.ticket}`,
        },
      },
    },
    errors: [...WHO, ...BODY, 'upstream_not_allowed', 'tenant_limit_reached'],
  },
  {
    id: 'listSessions',
    method: 'get',
    path: '/v1/sessions',
    tag: 'Sessions',
    summary: 'List sessions',
    description:
      'Newest first. A page of a filtered list may be short, or empty, and still have a next one. The list does not count as watching and shows no codes: their `image` and `text` are null.',
    credentials: KEY,
    query: listSessionsSchema,
    answers: { 200: { description: 'One page', schema: sessionListSchema, example: { sessions: [EXAMPLE_LISTED], nextCursor: null } } },
    errors: [...WHO, 'invalid_request'],
  },
  {
    id: 'readSession',
    method: 'get',
    path: '/v1/sessions/{id}',
    pathParameters: ['watchedSession'],
    tag: 'Sessions',
    summary: 'Read a session, or wait for its next state',
    description: [
      'It counts as watching for the grace (15 s by default): it starts the polls of an idle session. With `visible=false` it does not.',
      'With `If-None-Match` and `wait` it is a long-poll: held until there is something newer, the session is final, or the time is up. Ask again at once with the `ETag` you have, until the state is final. If something on the way takes the `ETag` away, send the `version` in quotes.',
    ].join('\n\n'),
    credentials: VIEWER,
    query: readSessionSchema,
    requestHeaders: ['If-None-Match'],
    answers: {
      200: { description: 'The session', schema: sessionAnswerSchema, headers: ['ETag'], example: { session: EXAMPLE_SHOWING } },
      304: { description: 'Nothing newer than what you have', headers: ['ETag'] },
    },
    errors: [...WHO, ...ONE, 'invalid_request', 'tenant_limit_reached'],
  },
  {
    id: 'cancelSession',
    method: 'delete',
    path: '/v1/sessions/{id}',
    pathParameters: ['session'],
    tag: 'Sessions',
    summary: 'End a session',
    description: 'It ends `cancelled`, and its viewers are told. A final session stays as it is. May be repeated.',
    credentials: KEY,
    answers: { 204: { description: 'It has ended' } },
    errors: [...WHO, ...BODY, 'not_found'],
  },
  {
    id: 'resumeSession',
    method: 'post',
    path: '/v1/sessions/{id}/resume',
    pathParameters: ['watchedSession'],
    tag: 'Sessions',
    summary: 'Begin a new attempt',
    description:
      'After an end that is `resumable`. The session, its tickets and its rising versions stay; `deadlineAt` is new. It counts as watching for the grace.',
    credentials: VIEWER,
    answers: { 200: { description: 'The session, `waiting`', schema: sessionAnswerSchema, example: { session: EXAMPLE_RESUMED } } },
    errors: [...WHO, ...ONE, ...BODY, 'not_resumable', 'tenant_limit_reached'],
  },
  {
    id: 'sendPassword',
    method: 'post',
    path: '/v1/sessions/{id}/password',
    pathParameters: ['watchedSession'],
    tag: 'Sessions',
    summary: "Hand over the account's cloud password",
    description: [
      'Only in the state `password`. It goes straight to the provider, and is never stored, logged or repeated.',
      'The provider takes one password a second; a second one waits its turn. The answer may take some seconds: wait at least 30 s for it.',
      'Five wrong passwords in one attempt, or ten in an hour, are the most of a session: further ones are `too_many_requests`. One that is taken ends the count.',
    ].join('\n\n'),
    credentials: [{ kind: 'apiKey' }, { kind: 'ticket', scope: 'password' }],
    body: { schema: passwordSchema, isRequired: true, example: { password: 'correct horse battery staple' } },
    answers: {
      200: {
        description: 'The provider took it. The session may still be `password`; `connected` follows as a change of it',
        schema: sessionAnswerSchema,
        example: { session: EXAMPLE_PASSWORD },
      },
    },
    errors: [...WHO, ...ONE, ...BODY, 'upstream_not_allowed', 'not_waiting_for_password', 'password_rejected'],
  },
  {
    id: 'startOver',
    method: 'post',
    path: '/v1/sessions/{id}/start-over',
    pathParameters: ['watchedSession'],
    tag: 'Sessions',
    summary: 'Leave the password step for a new code',
    description: [
      'For a person who has no password, or who scanned with the wrong account. Only in the state `password`, and three times in a session.',
      'The instance is logged out, and the attempt goes on with a new `deadlineAt`; the counts of wrong passwords stay. If the login was finished meanwhile, it stands: 409 with the session. The answer may take some seconds: wait at least 30 s for it. It counts as watching for the grace.',
    ].join('\n\n'),
    credentials: [{ kind: 'apiKey' }, { kind: 'ticket', scope: 'password' }],
    answers: {
      200: { description: 'The session, `waiting` for a new code', schema: sessionAnswerSchema, example: { session: EXAMPLE_RESUMED } },
    },
    errors: [...WHO, ...ONE, ...BODY, 'upstream_not_allowed', 'not_waiting_for_password'],
  },
  {
    id: 'watchSession',
    method: 'get',
    path: '/v1/sessions/{id}/events',
    pathParameters: ['watchedSession'],
    tag: 'Sessions',
    summary: 'Watch a session by Server-Sent Events',
    description: [
      'The current state at once, then every newer one: `event: session`, `fresh`, `draining`, and `closing` as the last one. `id:` is the version, so a reconnecting client is sent only what it has not seen. A client that cannot send `Last-Event-ID` puts it into the query as `lastEventId`. A comment comes every 15 s.',
      'What the events hold stands in the AsyncAPI document, `/asyncapi.json`.',
    ].join('\n\n'),
    credentials: VIEWER,
    query: eventsSchema,
    requestHeaders: ['Last-Event-ID'],
    answers: {
      200: {
        description: 'The stream. It ends after a final state',
        type: 'text/event-stream',
        example: 'retry: 2000\n\nevent: fresh\nid: 8\ndata: {"id":"ses_ln1If9cPrHP2Sui-","version":8,"staleAt":1790000026234}\n\n',
      },
      204: { description: 'The version you have is the final one: nothing follows. A stock EventSource stops at this' },
    },
    errors: [...WHO, ...ONE, 'invalid_request', 'tenant_limit_reached'],
  },
  {
    id: 'readCodePng',
    method: 'get',
    path: '/v1/sessions/{id}/code.png',
    pathParameters: ['watchedSession'],
    tag: 'Codes',
    summary: 'The code as a PNG',
    description: "The provider's own picture. It counts as watching for the grace.",
    credentials: VIEWER,
    answers: { 200: { description: 'The picture', type: 'image/png', headers: ['X-Code-Stale-At'] } },
    errors: [...WHO, ...ONE, 'no_code'],
  },
  {
    id: 'readCodeSvg',
    method: 'get',
    path: '/v1/sessions/{id}/code.svg',
    pathParameters: ['watchedSession'],
    tag: 'Codes',
    summary: 'The code as an SVG',
    description:
      'Drawn from `code.text`, with a quiet zone, dark on white; from the picture where the text is not known. It counts as watching for the grace.',
    credentials: VIEWER,
    answers: { 200: { description: 'The picture', type: 'image/svg+xml', headers: ['X-Code-Stale-At'] } },
    errors: [...WHO, ...ONE, 'no_code'],
  },
  {
    id: 'createTicket',
    method: 'post',
    path: '/v1/sessions/{id}/tickets',
    pathParameters: ['session'],
    tag: 'Tickets',
    summary: 'Make a ticket',
    description: 'For one more browser, for other scopes or origins, or when the first one has expired.',
    credentials: KEY,
    body: {
      schema: createTicketSchema,
      isRequired: false,
      example: { expiresInSeconds: 600, scopes: ['view'], origins: ['https://app.example.com'] },
    },
    answers: { 201: { description: 'The ticket', schema: createdTicketSchema, example: EXAMPLE_TICKET } },
    errors: [...WHO, ...ONE, ...BODY],
  },
  {
    id: 'revokeTicket',
    method: 'delete',
    path: '/v1/tickets/{ticketId}',
    pathParameters: ['ticketId'],
    tag: 'Tickets',
    summary: 'Revoke a ticket',
    description: 'It is refused from then on, and open streams that use it close with `ticket_revoked` within 2 s, on every gateway.',
    credentials: KEY,
    answers: { 204: { description: 'It is revoked, whether it was known or not' } },
    errors: [...WHO, ...BODY],
  },
  {
    id: 'takeNotification',
    method: 'post',
    path: '/v1/webhooks/green-api/{tenantId}',
    pathParameters: ['tenantId'],
    tag: 'Notifications',
    summary: 'Take a notification of the provider',
    description:
      "The body is the provider's own. `stateInstanceChanged` acts on the tenant's latest session of that instance; every other type, an unknown instance and what is no JSON change nothing. Each counts once for every 64 KiB begun, and 16 MiB of one tenant may be under way at once. **200** is answered only after the change is stored; after any other answer the provider sends it again.",
    credentials: [{ kind: 'webhookToken' }],
    body: {
      schema: z.union([stateNotificationSchema, z.unknown().describe('Any other notification')]),
      isRequired: false,
      example: {
        typeWebhook: 'stateInstanceChanged',
        instanceData: { idInstance: 1101000001, wid: '79990000002@c.us', typeInstance: 'v3' },
        timestamp: 1790000012,
        stateInstance: 'authorized',
      },
    },
    answers: { 200: { description: 'Taken, or of no concern', schema: takenSchema, example: {} } },
    errors: ['invalid_request', 'body_too_large', 'unauthenticated', 'not_found', 'too_many_requests', 'unavailable'],
  },
];
