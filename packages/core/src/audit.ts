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
        "In this order: the admin key, a tenant's API key, a ticket, an answer of the provider, time or this service itself, a caller who was refused",
      ),
    id: z.string().nullable().describe('Of the key or the ticket'),
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
    instanceId: z.string().nullable().describe('Its instance'),
    subjectId: z.string().nullable().describe('The ticket or key that was issued, added, revoked or removed'),
    credential: auditCredentialSchema
      .nullable()
      .describe('With `auth.refused`, the kind of the refused credential. Null if none was sent, and for all other actions'),
    address: z.string().nullable().describe('Of the caller, as this service sees it'),
    userAgent: z.string().nullable().describe('As the caller says, up to 120 characters'),
    outcome: z
      .string()
      .describe(
        "`ok`, the code of the refusal, why a session ended, what the settings read after `webhook.set`, the provider's word for a lost account, or why a token was deleted",
      ),
  })
  .meta({ id: 'AuditEntry' });

export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const auditListSchema = z
  .object({
    entries: z.array(auditEntrySchema).describe('Newest first'),
    nextCursor: z.string().nullable().describe('For the page after this one; null at the end'),
  })
  .meta({ id: 'AuditList' });

const moment = z.coerce.number().int().min(0).max(9_999_999_999_999);

export const listAuditSchema = z.strictObject({
  sessionId: z.string().min(1).max(64).optional().describe('Only of this session'),
  action: auditActionSchema.optional().describe('Only this action'),
  from: moment.optional().describe('Not before this moment, Unix ms'),
  to: moment.optional().describe('Not after this moment, Unix ms'),
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Entries on one page, at most'),
  cursor: z
    .string()
    .regex(/^\d{1,15}-\d{1,15}$/, 'expected `nextCursor` of the page before')
    .optional()
    .describe('`nextCursor` of the page before'),
});

export const listAllAuditSchema = listAuditSchema.extend({
  tenantId: z.string().min(1).max(64).optional().describe('Only of this tenant; of all if left out'),
});
