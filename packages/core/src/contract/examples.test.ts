/**
 * Every example of an answer or a message has only fields of its schema. The gateway's tests check
 * the examples by the generated documents. Those leave answers open, so a field that a schema has
 * lost would not be found there.
 */

import { expect, test } from 'vitest';
import type { z } from 'zod';
import type { Operation } from './http.ts';
import { AUDIT_OPERATIONS } from './http-audit.ts';
import { CALLBACK_OPERATIONS, WEBHOOKS } from './http-callbacks.ts';
import { OVERVIEW_OPERATIONS } from './http-overview.ts';
import { PAGE_OPERATIONS } from './http-pages.ts';
import { SESSION_OPERATIONS } from './http-sessions.ts';
import { TENANT_OPERATIONS } from './http-tenants.ts';
import { WEBHOOK_OPERATIONS } from './http-webhook.ts';
import { STREAMS } from './streams.ts';

type Case = readonly [name: string, schema: z.ZodType, example: unknown];

const OPERATIONS: readonly Operation[] = [
  ...SESSION_OPERATIONS,
  ...OVERVIEW_OPERATIONS,
  ...WEBHOOK_OPERATIONS,
  ...CALLBACK_OPERATIONS,
  ...AUDIT_OPERATIONS,
  ...TENANT_OPERATIONS,
  ...PAGE_OPERATIONS,
];
const ANSWERS = OPERATIONS.flatMap(({ id, answers }) =>
  Object.entries(answers).flatMap(([status, { schema, example }]): Case[] =>
    schema === undefined || example === undefined ? [] : [[`${id} ${status}`, schema, example]],
  ),
);
const MESSAGES = STREAMS.flatMap(({ id, fromServer, fromClient }) =>
  Object.entries({ ...fromServer, ...fromClient }).map(([name, { payload, example }]): Case => [`${id} ${name}`, payload, example]),
);
const CALLBACKS = WEBHOOKS.map(({ name, schema, example }): Case => [name, schema, example]);

test.each([...ANSWERS, ...MESSAGES, ...CALLBACKS])('%s', (_name, schema, example) => {
  expect(schema.parse(example)).toEqual(example); // zod drops a field that a schema does not have
});
