/** `/v1/callbacks…` and what is sent to a tenant's own server, as the OpenAPI document tells them. */

import type { z } from 'zod';
import {
  callbackAnswerSchema,
  callbackBodySchema,
  callbackListSchema,
  callbackSessionSchema,
  instanceCallbackBodySchema,
  listCallbacksSchema,
  relayBodySchema,
  type WireCallback,
} from '../callback.ts';
import type { ErrorCode } from '../errors.ts';
import { EXAMPLE_CONNECTED } from './examples.ts';
import type { Credential, Operation } from './http.ts';

const KEY: readonly Credential[] = [{ kind: 'apiKey' }];
const WHO: readonly ErrorCode[] = ['unauthenticated', 'forbidden', 'origin_not_allowed', 'too_many_requests', 'unavailable'];

const HAPPENED_AT = EXAMPLE_CONNECTED.serverNow;

const EXAMPLE_PENDING: WireCallback = {
  id: 'evt_ln1If9cPrHP2Sui-_10_mub1lqa0',
  type: 'session.connected',
  sessionId: EXAMPLE_CONNECTED.id,
  createdAt: HAPPENED_AT,
  attempts: [{ at: HAPPENED_AT + 120, ms: 48, status: 500 }],
  state: 'pending',
  nextAttemptAt: HAPPENED_AT + 5_620,
};

const EXAMPLE_DELIVERED: WireCallback = {
  ...EXAMPLE_PENDING,
  attempts: [
    ...EXAMPLE_PENDING.attempts,
    { at: HAPPENED_AT + 5_700, ms: 12, error: 'unreachable', cause: 'tls' },
    { at: HAPPENED_AT + 36_000, ms: 31, status: 204 },
  ],
  state: 'delivered',
  nextAttemptAt: null,
};

export const CALLBACK_OPERATIONS: readonly Operation[] = [
  {
    id: 'listCallbacks',
    method: 'get',
    path: '/v1/callbacks',
    tag: 'Callbacks',
    summary: 'List what your server was told',
    description: 'Newest first; kept for a week, the settled ones up to a thousand. A page of a filtered list may be short, or empty.',
    credentials: KEY,
    query: listCallbacksSchema,
    answers: {
      200: { description: 'One page', schema: callbackListSchema, example: { callbacks: [EXAMPLE_DELIVERED], nextCursor: null } },
    },
    errors: [...WHO, 'invalid_request'],
  },
  {
    id: 'readCallback',
    method: 'get',
    path: '/v1/callbacks/{callbackId}',
    pathParameters: ['callbackId'],
    tag: 'Callbacks',
    summary: 'Read how one delivery went',
    credentials: KEY,
    answers: { 200: { description: 'The callback', schema: callbackAnswerSchema, example: { callback: EXAMPLE_DELIVERED } } },
    errors: [...WHO, 'not_found'],
  },
  {
    id: 'replayCallback',
    method: 'post',
    path: '/v1/callbacks/{callbackId}/replay',
    pathParameters: ['callbackId'],
    tag: 'Callbacks',
    summary: 'Send one again',
    description:
      'At once, with the same `webhook-id` and a new timestamp, and tried for a day from now on. One that is still tried is tried now.',
    credentials: KEY,
    answers: { 202: { description: 'It will be sent', schema: callbackAnswerSchema, example: { callback: EXAMPLE_PENDING } } },
    errors: [...WHO, 'invalid_request', 'body_too_large', 'unsupported_media_type', 'not_found'],
  },
];

export interface WebhookWords {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly schema: z.ZodType;
  readonly example: unknown;
}

const HAPPENED = new Date(HAPPENED_AT).toISOString();
/** Some days later. */
const LOST_AT = HAPPENED_AT + 3 * 86_400_000;

export const WEBHOOKS: readonly WebhookWords[] = [
  {
    name: 'callback',
    summary: 'A session is connected, has ended, or wants a password',
    description:
      'To the `callback.url` of the tenant, at least once and in no promised order: keep the ids you have worked on, and compare versions. Tried for 24 h.',
    schema: callbackBodySchema,
    example: { type: 'session.connected', timestamp: HAPPENED, data: { session: callbackSessionSchema.parse(EXAMPLE_CONNECTED) } },
  },
  {
    name: 'instanceCallback',
    summary: 'An instance that a session connected has lost its account',
    description:
      'To the `callback.url` of the tenant, like the other callbacks: once for each login that is lost within `keepConnectedDays`.',
    schema: instanceCallbackBodySchema,
    example: {
      type: 'instance.disconnected',
      timestamp: new Date(LOST_AT).toISOString(),
      data: {
        instance: {
          instanceId: EXAMPLE_CONNECTED.instanceId,
          reference: EXAMPLE_CONNECTED.reference,
          sessionId: EXAMPLE_CONNECTED.id,
          connectedAt: HAPPENED_AT,
          disconnectedAt: LOST_AT,
          providerState: 'notAuthorized',
          foundBy: 'notification',
        },
      },
    },
  },
  {
    name: 'relay',
    summary: 'The provider notified',
    description: 'To the `relay.url` of the tenant: every notification, in order per instance, at least once. Tried for 24 h.',
    schema: relayBodySchema,
    example: {
      type: 'provider.notification',
      timestamp: HAPPENED,
      data: { typeWebhook: 'incomingMessageReceived', instanceData: { idInstance: 1101000001 }, timestamp: 1790000041 },
    },
  },
];

/** As in the Standard Webhooks specification. */
export const WEBHOOK_HEADERS = {
  'webhook-id': { description: 'The same at every try, and of nothing else', example: EXAMPLE_PENDING.id },
  'webhook-timestamp': { description: 'When this try was sent, Unix seconds', example: '1790000041' },
  'webhook-signature': {
    description:
      'Verify it with a library of Standard Webhooks and `callbackSecret`; two of them, separated by a space, while a secret is renewed',
    example: 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  },
} as const;
