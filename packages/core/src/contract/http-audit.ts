/** `/v1/audit` and `/v1/admin/audit` in the OpenAPI document. */

import { type AuditEntry, auditListSchema, listAllAuditSchema, listAuditSchema } from '../audit.ts';
import { EXAMPLE_CONNECTED } from './examples.ts';
import type { Operation } from './http.ts';

const EXAMPLE_ENTRY: AuditEntry = {
  id: '1790000000000-0',
  at: 1_790_000_000_000,
  tenantId: 'acme',
  actor: { kind: 'key', id: 'key_3rTgC0Yx8mJb1aQe' },
  action: 'session.created',
  sessionId: EXAMPLE_CONNECTED.id,
  instanceId: EXAMPLE_CONNECTED.instanceId,
  subjectId: null,
  credential: null,
  address: '203.0.113.7',
  userAgent: 'node',
  outcome: 'ok',
};

const PAGE = { description: 'One page', schema: auditListSchema, example: { entries: [EXAMPLE_ENTRY], nextCursor: null } } as const;
const DESCRIPTION = [
  'Newest first. A page of a filtered list may be short or empty and still have a `nextCursor`.',
  'On each gateway, watching is recorded once in ten minutes for the same ticket or key, session and address. Refused callers are recorded once a minute for the same address and kind of credential.',
].join('\n\n');

export const AUDIT_OPERATIONS: readonly Operation[] = [
  {
    id: 'listAudit',
    method: 'get',
    path: '/v1/audit',
    tag: 'Audit',
    summary: 'Who did what to your sessions',
    description: DESCRIPTION,
    credentials: [{ kind: 'apiKey' }],
    query: listAuditSchema,
    answers: { 200: PAGE },
    errors: ['unauthenticated', 'forbidden', 'origin_not_allowed', 'too_many_requests', 'unavailable', 'invalid_request'],
  },
  {
    id: 'listAllAudit',
    method: 'get',
    path: '/v1/admin/audit',
    tag: 'Audit',
    summary: 'Who did what, of one tenant or of all',
    description: DESCRIPTION,
    credentials: [{ kind: 'adminKey' }],
    query: listAllAuditSchema,
    answers: { 200: PAGE },
    errors: ['unauthenticated', 'too_many_requests', 'unavailable', 'invalid_request'],
  },
];
