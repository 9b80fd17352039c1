/**
 * The types of the descriptions of the HTTP calls (`http-….ts`): what each call accepts, what it
 * answers and how it may refuse. The OpenAPI document is made from them, and tests check every
 * response of the running gateway against that document.
 */

import type { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { Scope } from '../requests.ts';

export interface Operation {
  /** Unique. Generated clients name their method after it. */
  readonly id: string;
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** With `{name}` for each parameter. */
  readonly path: string;
  readonly pathParameters?: readonly (keyof typeof PATH_PARAMETERS)[];
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  /** Any one of these is enough. Empty for calls that need none. */
  readonly credentials: readonly Credential[];
  readonly query?: z.ZodObject;
  readonly requestHeaders?: readonly RequestHeader[];
  readonly body?: RequestBody;
  readonly answers: Readonly<Record<number, Answer>>;
  readonly errors: readonly ErrorCode[];
}

export interface Credential {
  readonly kind: keyof typeof CREDENTIALS;
  /** The scope that a ticket must have. */
  readonly scope?: Scope;
}

export interface RequestBody {
  readonly schema: z.ZodType;
  readonly isRequired: boolean;
  readonly example: unknown;
}

export interface Answer {
  readonly description: string;
  readonly type?: 'application/json' | 'text/event-stream' | 'text/html' | 'text/javascript' | 'image/png' | 'image/svg+xml';
  /** Of a JSON body. */
  readonly schema?: z.ZodType;
  readonly example?: unknown;
  readonly headers?: readonly AnswerHeader[];
}

export const CREDENTIALS = {
  apiKey: "A tenant's API key, `qk_…`. Gives access to all sessions of that tenant. For backends only.",
  ticket: 'A ticket. Gives access to one session for minutes. Safe in a browser. In a path, `self` stands for its session.',
  adminKey: "The operator's admin key.",
  webhookToken: "The tenant's webhook token, as the provider sends it: after any scheme word, or without one.",
} as const;

export const TAGS = {
  Sessions: 'Create a session, watch it and end it.',
  Tickets: 'A ticket gives the right to watch one session. It is safe in a browser.',
  Codes: 'The code as a picture.',
  Notifications: 'Notifications from the provider.',
  Callbacks: 'Signed messages to your own server, and a log of their deliveries.',
  Tenants: "The operator's calls.",
  Audit: 'Who did what, and when.',
  Statistics: 'How far logins come, and how the provider answers.',
  Pages: 'What browsers load.',
  Service: 'Health checks, and the contract itself.',
} as const;

export type Tag = keyof typeof TAGS;

export const PATH_PARAMETERS = {
  session: { name: 'id', description: "A session's id", example: 'ses_ln1If9cPrHP2Sui-' },
  watchedSession: { name: 'id', description: "A session's id. With a ticket also `self`, the ticket's own session", example: 'self' },
  tenant: { name: 'id', description: "A tenant's id", example: 'acme' },
  ticketId: { name: 'ticketId', description: 'The `ticketId` that came with the ticket', example: 'tkt_sxbpwW5P8SCkHGvw' },
  tenantId: { name: 'tenantId', description: "A tenant's id", example: 'acme' },
  callbackId: {
    name: 'callbackId',
    description: "A callback's id, which is its `webhook-id`",
    example: 'evt_ln1If9cPrHP2Sui-_41000_mubbt354',
  },
  keyId: { name: 'keyId', description: "The id of one of the tenant's keys", example: 'key_3rTgC0Yx8mJb1aQe' },
} as const;

export const REQUEST_HEADERS = {
  'If-None-Match': { description: 'The `ETag` that you have. The answer is **304** if there is nothing newer', example: '"1236"' },
  'Last-Event-ID': { description: 'The version that you have. An equal or older state is not sent again', example: '1236' },
} as const;

export type RequestHeader = keyof typeof REQUEST_HEADERS;

export const ANSWER_HEADERS = {
  ETag: { description: 'For `If-None-Match`. For a session it is the version', pattern: '^(W/)?"[A-Za-z0-9_-]+"$', example: '"1236"' },
  Location: {
    description: 'The path of the session, below the path of the public address',
    pattern: '/v1/sessions/[^/]+$',
    example: '/v1/sessions/ses_ln1If9cPrHP2Sui-',
  },
  'Retry-After': { description: '`retryAfterMs` in whole seconds, rounded up', pattern: '^\\d+$', example: '1' },
  'WWW-Authenticate': { description: 'How to authenticate', pattern: '^Bearer$', example: 'Bearer' },
  'X-Code-Stale-At': {
    description: "The code's `staleAt`, Unix ms. Do not show the code from then on",
    pattern: '^\\d+$',
    example: '1790000020000',
  },
} as const;

export type AnswerHeader = keyof typeof ANSWER_HEADERS;
