/** `/v1/sessions…`, `/v1/tickets…` and the provider's notifications, in the OpenAPI document. */

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

/**
 * The refusals of every call that authenticates. The origin is checked before the rights of the
 * ticket, so `origin_not_allowed` belongs to calls that no ticket may make, too.
 */
const WHO: readonly ErrorCode[] = ['unauthenticated', 'forbidden', 'origin_not_allowed', 'too_many_requests', 'unavailable'];
/** The refusals of every call that can come with a body, even if it needs none. */
const BODY: readonly ErrorCode[] = ['invalid_request', 'body_too_large', 'unsupported_media_type'];
/** The refusals of every call for one session. */
const ONE: readonly ErrorCode[] = ['not_found', 'session_expired'];

export const SESSION_OPERATIONS: readonly Operation[] = [
  {
    id: 'createSession',
    method: 'post',
    path: '/v1/sessions',
    tag: 'Sessions',
    summary: 'Create a session, or find the live one',
    description: [
      'The provider is not polled until somebody watches the session. Give your user the `pageUrl`, or give the ticket to a page of your own.',
      '- If the instance has a live session with the same token and host: **200** with that session and a new ticket. The other fields of the request are ignored, so you can safely repeat the call.',
      '- If the live session has another token or host, it ends `cancelled`, and the answer is **201** with a new session.',
      '- A session that ended and can be resumed is not live, so the call makes a new session.',
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
        description: 'A new session. Its ticket has both scopes and the origins of the tenant, and is valid for 15 minutes',
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
      'Newest first. A page of a filtered list may be short or empty and still have a `nextCursor`. Listing does not count as watching, and it shows no codes: their `image` and `text` are null.',
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
      'Reading counts as watching for the grace period (15 s by default), so it starts the polls of an idle session. With `visible=false` it does not.',
      'With `If-None-Match` and `wait` it is a long-poll: the response is held until there is something newer, the session is final, or the time is up. Ask again at once with the newest `ETag`, until the state is final. If a proxy removes the `ETag`, send the `version` in quotes.',
    ].join('\n\n'),
    credentials: VIEWER,
    query: readSessionSchema,
    requestHeaders: ['If-None-Match'],
    answers: {
      200: { description: 'The session', schema: sessionAnswerSchema, headers: ['ETag'], example: { session: EXAMPLE_SHOWING } },
      304: { description: 'There is nothing newer than what you have', headers: ['ETag'] },
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
    description:
      'The session ends `cancelled`, and its viewers receive that state. A final session stays as it is. You can repeat the call.',
    credentials: KEY,
    answers: { 204: { description: 'The session has ended' } },
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
      'After an end that is `resumable`. The session keeps its id and its tickets, its versions continue, and it gets a new `deadlineAt`. The call counts as watching for the grace period.',
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
    summary: "Send the account's cloud password",
    description: [
      'Only in the state `password`. The password goes straight to the provider and is never stored, logged or repeated.',
      'The provider accepts one password a second, so a second one waits. The answer may take some seconds: wait at least 30 s for it.',
      'A session allows five wrong passwords in one attempt and ten in an hour. After that the answer is `too_many_requests`. An accepted password resets both counts.',
    ].join('\n\n'),
    credentials: [{ kind: 'apiKey' }, { kind: 'ticket', scope: 'password' }],
    body: { schema: passwordSchema, isRequired: true, example: { password: 'correct horse battery staple' } },
    answers: {
      200: {
        description: 'The provider accepted the password. The session may still be in `password`; a change to `connected` follows',
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
      'For a person who has no password, or who scanned with the wrong account. Only in the state `password`, and at most three times in a session.',
      'The instance is logged out, and the attempt continues with a new `deadlineAt`. The counts of wrong passwords are kept. If the login was completed in the meantime, it stays, and the answer is 409 with the session. The answer may take some seconds: wait at least 30 s for it. The call counts as watching for the grace period.',
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
      'The stream sends the current state at once, then every newer one. The events are `session`, `fresh`, `draining`, and `closing` as the last one. `id:` is the version, so a client that reconnects receives only what it has not seen. A client that cannot send `Last-Event-ID` puts it into the query as `lastEventId`. A comment comes every 15 s.',
      'The AsyncAPI document, `/asyncapi.json`, describes the data of the events.',
    ].join('\n\n'),
    credentials: VIEWER,
    query: eventsSchema,
    requestHeaders: ['Last-Event-ID'],
    answers: {
      200: {
        description: 'The stream. It ends after a final state',
        type: 'text/event-stream',
        example: 'retry: 2000\n\nevent: fresh\nid: 6236\ndata: {"id":"ses_ln1If9cPrHP2Sui-","version":6236,"staleAt":1790000026234}\n\n',
      },
      204: { description: 'You have the final version, so nothing follows. A stock EventSource stops at this status' },
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
    description: "The provider's own picture. The call counts as watching for the grace period.",
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
      'Drawn from `code.text`, dark on white and with a quiet zone. If the text is not known, it is drawn from the picture. The call counts as watching for the grace period.',
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
    summary: 'Create a ticket',
    description: 'For another browser, for other scopes or origins, or when the first ticket has expired.',
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
    description: 'The ticket is refused from then on. Open streams that use it close with `ticket_revoked` within 2 s, on every gateway.',
    credentials: KEY,
    answers: { 204: { description: 'The ticket is revoked, even if the gateway did not know it' } },
    errors: [...WHO, ...BODY],
  },
  {
    id: 'takeNotification',
    method: 'post',
    path: '/v1/webhooks/green-api/{tenantId}',
    pathParameters: ['tenantId'],
    tag: 'Notifications',
    summary: 'Receive a notification of the provider',
    description:
      "The body is the provider's own. `stateInstanceChanged` acts on the tenant's latest session of that instance. Every other type, an unknown instance and a body that is not JSON change nothing. For the rate limit a notification counts once for every 64 KiB or part of it, and one tenant may have 16 MiB under way at once. The answer is **200** only after the change is stored. After any other answer the provider sends the notification again.",
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
    answers: { 200: { description: 'The notification was accepted, or changes nothing', schema: takenSchema, example: {} } },
    errors: ['invalid_request', 'body_too_large', 'unauthenticated', 'not_found', 'too_many_requests', 'unavailable'],
  },
];
