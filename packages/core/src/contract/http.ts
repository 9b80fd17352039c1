/**
 * The form in which the HTTP calls are written down (`contract-http-….ts`): what each takes, what it answers, how it may refuse. The OpenAPI
 * document is made of it, and tests hold every answer of the running gateway against that.
 */

import type { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { Scope } from '../requests.ts';

export interface Operation {
  /** Unique; becomes a method's name in generated clients. */
  readonly id: string;
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** With `{name}` for each of its parameters. */
  readonly path: string;
  readonly pathParameters?: readonly (keyof typeof PATH_PARAMETERS)[];
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  /** Any one of them; empty for calls that need none. */
  readonly credentials: readonly Credential[];
  readonly query?: z.ZodObject;
  readonly requestHeaders?: readonly RequestHeader[];
  readonly body?: RequestBody;
  readonly answers: Readonly<Record<number, Answer>>;
  readonly errors: readonly ErrorCode[];
}

export interface Credential {
  readonly kind: keyof typeof CREDENTIALS;
  /** What a ticket must allow. */
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
  apiKey: "A tenant's API key, `qk_…`: all sessions of that tenant. For backends only.",
  ticket: 'A ticket: one session, for minutes. Safe in a browser. In a path, `self` is its session.',
  adminKey: "The operator's admin key.",
  webhookToken: "The tenant's webhook token, as the provider sends it: after any scheme word, or none.",
} as const;

export const TAGS = {
  Sessions: 'Make a session, watch it, end it.',
  Tickets: 'Rights to watch one session, safe in a browser.',
  Codes: 'The code as a picture.',
  Notifications: 'What the provider tells us.',
  Callbacks: 'What your own server is told, signed, and how that went.',
  Tenants: "The operator's calls.",
  Audit: 'Who did what, and when.',
  Pages: 'What browsers load.',
  Service: 'Health, and the contract itself.',
} as const;

export type Tag = keyof typeof TAGS;

export const PATH_PARAMETERS = {
  session: { name: 'id', description: "A session's id", example: 'ses_ln1If9cPrHP2Sui-' },
  watchedSession: { name: 'id', description: "A session's id, or `self` with a ticket: the ticket's own session", example: 'self' },
  tenant: { name: 'id', description: "A tenant's id", example: 'acme' },
  ticketId: { name: 'ticketId', description: '`ticketId`, as it came with the ticket', example: 'tkt_sxbpwW5P8SCkHGvw' },
  tenantId: { name: 'tenantId', description: "A tenant's id", example: 'acme' },
  callbackId: { name: 'callbackId', description: "A callback's id, its `webhook-id`", example: 'evt_ln1If9cPrHP2Sui-_10_mub1lqa0' },
  keyId: { name: 'keyId', description: "The id of one of the tenant's keys", example: 'key_3rTgC0Yx8mJb1aQe' },
} as const;

export const REQUEST_HEADERS = {
  'If-None-Match': { description: 'The `ETag` you have: **304** if there is nothing newer', example: '"7"' },
  'Last-Event-ID': { description: 'The version you have: an equal or older state is not sent again', example: '7' },
} as const;

export type RequestHeader = keyof typeof REQUEST_HEADERS;

export const ANSWER_HEADERS = {
  ETag: { description: 'For `If-None-Match`. Of a session, its version', pattern: '^(W/)?"[A-Za-z0-9_-]+"$', example: '"7"' },
  Location: {
    description: 'Path of the session, below the path of the public address',
    pattern: '/v1/sessions/[^/]+$',
    example: '/v1/sessions/ses_ln1If9cPrHP2Sui-',
  },
  'Retry-After': { description: '`retryAfterMs` in whole seconds, rounded up', pattern: '^\\d+$', example: '1' },
  'WWW-Authenticate': { description: 'How to say who you are', pattern: '^Bearer$', example: 'Bearer' },
  'X-Code-Stale-At': {
    description: "The code's `staleAt`, Unix ms: do not show it from then on",
    pattern: '^\\d+$',
    example: '1790000020000',
  },
} as const;

export type AnswerHeader = keyof typeof ANSWER_HEADERS;
