/**
 * The audit log as operators and tenants read it: who did what to which session or tenant. No entry
 * holds a secret, a code or an account.
 */

import { z } from 'zod';

export const auditActionSchema = z
  .enum([
    'session.created',
    'session.watched',
    'session.resumed',
    'session.cancelled',
    'session.password_given',
    'session.started_over',
    'session.connected',
    'session.ended',
    'ticket.issued',
    'ticket.revoked',
    'webhook.set',
    'tenant.created',
    'tenant.changed',
    'tenant.suspended',
    'tenant.deleted',
    'key.added',
    'key.removed',
    'auth.refused',
    'instance.disconnected',
    'token.kept',
    'token.deleted',
  ])
  .meta({ id: 'AuditAction', description: 'What was done' });

export type AuditAction = z.infer<typeof auditActionSchema>;

const actorSchema = z
  .object({
    kind: z
      .enum(['operator', 'key', 'ticket', 'provider', 'system', 'unknown'])
      .describe(
        '`operator`: the admin key. `key`: an API key of the tenant. `ticket`: a ticket. `provider`: an answer of the provider. `system`: a timer, or this service itself. `unknown`: a caller who was refused',
      ),
    id: z.string().nullable().describe('The id of the key or the ticket. Null for all others'),
  })
  .meta({ id: 'AuditActor', description: 'Who did it' });

export type AuditActor = z.infer<typeof actorSchema>;

const auditCredentialSchema = z.enum(['admin_key', 'api_key', 'ticket', 'webhook_token']).meta({
  id: 'AuditCredential',
  description: 'The kind of a credential. Where both keys and tickets are accepted, one that does not begin with `qk_` counts as a ticket',
});

export type AuditCredential = z.infer<typeof auditCredentialSchema>;

export const auditEntrySchema = z
  .object({
    id: z.string().describe('Rises with time'),
    at: z.number().int().describe('When it was recorded, Unix ms'),
    tenantId: z.string().nullable().describe('Null if the caller was refused before the tenant was known'),
    actor: actorSchema,
    action: auditActionSchema,
    sessionId: z.string().nullable().describe('The session that the entry is about, if there is one'),
    instanceId: z.string().nullable().describe('The instance of that session'),
    subjectId: z.string().nullable().describe('The ticket or key that was issued, added, revoked or removed'),
    credential: auditCredentialSchema
      .nullable()
      .describe('With `auth.refused`, the kind of the refused credential. Null if none was sent, and for all other actions'),
    address: z.string().nullable().describe('The network address of the caller, as this service sees it'),
    userAgent: z.string().nullable().describe('The `User-Agent` of the caller, up to 120 characters'),
    outcome: z
      .string()
      .describe(
        "`ok`; or the code of the refusal, the reason of the end, the result of `webhook.set`, the provider's word for a lost account, or why a token was deleted",
      ),
  })
  .meta({ id: 'AuditEntry' });

export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const auditListSchema = z
  .object({
    entries: z.array(auditEntrySchema).describe('Newest first'),
    nextCursor: z.string().nullable().describe('The `cursor` of the next page; null at the end of the list'),
  })
  .meta({ id: 'AuditList' });

const moment = z.coerce.number().int().min(0).max(9_999_999_999_999);

export const listAuditSchema = z.strictObject({
  sessionId: z.string().min(1).max(64).optional().describe('Only entries about this session'),
  action: auditActionSchema.optional().describe('Only entries with this action'),
  from: moment.optional().describe('The earliest time of an entry, Unix ms'),
  to: moment.optional().describe('The latest time of an entry, Unix ms'),
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('The largest number of entries on one page'),
  cursor: z
    .string()
    .regex(/^\d{1,15}-\d{1,15}$/, 'expected the `nextCursor` of the previous page')
    .optional()
    .describe('The `nextCursor` of the previous page'),
});

export const listAllAuditSchema = listAuditSchema.extend({
  tenantId: z.string().min(1).max(64).optional().describe('Only entries of this tenant. Default: entries of all tenants'),
});
