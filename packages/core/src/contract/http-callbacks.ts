/** `/v1/callbacks…` and the messages to a tenant's own server, in the OpenAPI document. */

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
  id: 'evt_ln1If9cPrHP2Sui-_41000_mubbt354',
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
    summary: 'List the callbacks to your server',
    description:
      'Newest first. They are kept for a week; of those that are delivered or given up, at most a thousand. A page of a filtered list may be short or empty and still have a `nextCursor`.',
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
    summary: 'Send a callback again',
    description:
      'It is sent at once, with the same `webhook-id` and a new timestamp, and retried for a day from now. If it is still being retried, the next try begins now.',
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
    summary: 'A session is connected, has ended, or needs a password',
    description:
      'Sent to the `callback.url` of the tenant at least once, and not always in order. Keep the ids that you have processed, and compare versions. Retried for 24 h.',
    schema: callbackBodySchema,
    example: { type: 'session.connected', timestamp: HAPPENED, data: { session: callbackSessionSchema.parse(EXAMPLE_CONNECTED) } },
  },
  {
    name: 'instanceCallback',
    summary: 'An instance that a session connected has lost its account',
    description:
      'Sent to the `callback.url` of the tenant, like the other callbacks: one callback for each login that is lost within `keepConnectedDays`.',
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
    summary: 'The provider sent a notification',
    description: 'Every notification is sent to the `relay.url` of the tenant at least once, in order for each instance. Retried for 24 h.',
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
  'webhook-id': { description: 'Unique for each message, and the same at every try', example: EXAMPLE_PENDING.id },
  'webhook-timestamp': { description: 'When this try was sent, Unix seconds', example: '1790000041' },
  'webhook-signature': {
    description:
      'Verify it with a Standard Webhooks library and `callbackSecret`. For a day after the secret was renewed there are two signatures, separated by a space',
    example: 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  },
} as const;
