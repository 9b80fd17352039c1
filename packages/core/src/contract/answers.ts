/** What the HTTP calls answer beside the session object itself (wire.ts) and refusals (errors.ts). */

import { z } from 'zod';
import { tenantLimitsSchema } from '../tenant-requests.ts';
import { wireSessionSchema } from '../wire.ts';

const timestamp = z.number().int();

const ticketFields = {
  ticket: z.string().describe('For the browser of one person; lives for minutes'),
  ticketId: z.string().describe('To revoke the ticket with'),
  ticketExpiresAt: timestamp.describe('Unix ms'),
};

export const sessionAnswerSchema = z.object({ session: wireSessionSchema }).meta({ id: 'SessionAnswer' });

export const createdSessionSchema = z
  .object({
    session: wireSessionSchema,
    ...ticketFields,
    pageUrl: z.string().describe('The hosted login page with the ticket in its fragment, which no server and no referrer log sees'),
  })
  .meta({ id: 'CreatedSession' });

export const sessionListSchema = z
  .object({
    sessions: z.array(wireSessionSchema).describe('Newest first, their `code.image` left out'),
    nextCursor: z.string().nullable().describe('The `cursor` of the next page; null at the end of the list'),
  })
  .meta({ id: 'SessionList' });

export const createdTicketSchema = z.object(ticketFields).meta({ id: 'CreatedTicket' });

const receiverSchema = z.object({ url: z.string().describe('An `https` address') });

export const tenantSchema = z
  .object({
    id: z.string().describe('Chosen at creation'),
    name: z.string().describe('For people'),
    allowedOrigins: z.array(z.string()).describe('Pages that may use tickets which name no origins of their own; empty for any'),
    upstreamHosts: z.array(z.string()).nullable().describe("Provider hosts it may use; null for the operator's own list"),
    limits: tenantLimitsSchema.describe("What it may use, over all gateways; what is left out is the operator's default"),
    callback: receiverSchema.nullable().describe('Where its own server is told of its sessions, signed'),
    relay: receiverSchema.nullable().describe("Where the provider's notifications are passed on to, signed and in order"),
    keepConnectedDays: z.number().int().describe('How long after its login the loss of an account is told, days; 0 for never'),
    checkConnectedEvery: z
      .number()
      .int()
      .nullable()
      .describe('How often the provider is asked whether connected instances are linked still, minutes; null for never'),
    keys: z
      .array(
        z.object({
          id: z.string().describe('To remove the key with'),
          createdAt: timestamp.describe('Unix ms'),
          lastUsedAt: timestamp.nullable().describe('Unix ms, up to a minute behind; null if never used'),
        }),
      )
      .describe('Its API keys, without the secrets'),
    suspended: z.boolean().describe('Whether its keys and tickets are refused for now'),
    createdAt: timestamp.describe('Unix ms'),
  })
  .meta({ id: 'Tenant', description: 'One tenant, without anything secret.' });

export const tenantAnswerSchema = z.object({ tenant: tenantSchema }).meta({ id: 'TenantAnswer' });

export const tenantListSchema = z.object({ tenants: z.array(tenantSchema).describe('Oldest first') }).meta({ id: 'TenantList' });

export const createdTenantSchema = z
  .object({
    tenant: tenantSchema,
    apiKey: z.string().describe('For its backend'),
    webhookToken: z.string().describe("For the provider's setting `webhookUrlToken`"),
    webhookUrl: z.string().describe("For the provider's setting `webhookUrl`"),
    callbackSecret: z.string().describe('What callbacks and relayed notifications are signed with'),
  })
  .meta({ id: 'CreatedTenant', description: 'The secrets in it are shown this once.' });

export const createdKeySchema = z
  .object({ keyId: z.string().describe('To remove the key with'), apiKey: z.string().describe('Shown this once') })
  .meta({ id: 'CreatedKey' });

export const pageOriginsSchema = z
  .object({ origins: z.array(z.string()).describe("The tenant's `allowedOrigins`; empty where there is no such session") })
  .meta({ id: 'PageOrigins' });

export const healthSchema = z
  .object({
    status: z.enum(['alive', 'ready', 'not ready']).describe('In a word'),
    reason: z.string().optional().describe('What may be wrong'),
  })
  .meta({ id: 'Health' });

/** A notification was taken, or does not concern us. */
export const takenSchema = z.object({}).meta({ id: 'Taken', description: 'Empty: the notification was taken, or does not concern us.' });
