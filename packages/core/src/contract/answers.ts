/**
 * The responses of the HTTP calls, except the session object itself (`wire.ts`) and refusals
 * (`errors.ts`).
 */

import { z } from 'zod';
import { tenantLimitsSchema } from '../tenant-requests.ts';
import { wireSessionSchema } from '../wire.ts';

const timestamp = z.number().int();

const ticketFields = {
  ticket: z.string().describe('For the browser of one person. Valid for minutes'),
  ticketId: z.string().describe('The id with which to revoke the ticket'),
  ticketExpiresAt: timestamp.describe('When the ticket expires, Unix ms'),
};

export const sessionAnswerSchema = z.object({ session: wireSessionSchema }).meta({ id: 'SessionAnswer' });

export const createdSessionSchema = z
  .object({
    session: wireSessionSchema,
    ...ticketFields,
    pageUrl: z.string().describe('The hosted login page. The ticket is in the fragment, so no server and no referrer log sees it'),
  })
  .meta({ id: 'CreatedSession' });

export const sessionListSchema = z
  .object({
    sessions: z.array(wireSessionSchema).describe('Newest first, without their `code.image`'),
    nextCursor: z.string().nullable().describe('The `cursor` of the next page; null at the end of the list'),
  })
  .meta({ id: 'SessionList' });

export const createdTicketSchema = z.object(ticketFields).meta({ id: 'CreatedTicket' });

const receiverSchema = z.object({ url: z.string().describe('An `https` address') });

const tenantSchema = z
  .object({
    id: z.string().describe('Chosen when the tenant was created'),
    name: z.string().describe('A name for people to read'),
    allowedOrigins: z
      .array(z.string())
      .describe('Origins of the pages that may use a ticket which names no origins of its own. Empty: any page may'),
    upstreamHosts: z.array(z.string()).nullable().describe("The provider hosts that the tenant may use; null for the operator's list"),
    limits: tenantLimitsSchema.describe("The tenant's limits, over all gateways. The operator's default applies to each that is missing"),
    callback: receiverSchema.nullable().describe("The tenant's own server, which receives signed callbacks about its sessions"),
    relay: receiverSchema.nullable().describe("The server to which the provider's notifications are forwarded, signed and in order"),
    keepConnectedDays: z
      .number()
      .int()
      .describe('How many days after its login the loss of an account is reported by a callback; 0 for never'),
    checkConnectedEvery: z
      .number()
      .int()
      .nullable()
      .describe('How often the provider is asked whether connected instances are still linked, minutes; null for never'),
    keys: z
      .array(
        z.object({
          id: z.string().describe('The id with which to remove the key'),
          createdAt: timestamp.describe('Unix ms'),
          lastUsedAt: timestamp.nullable().describe('Unix ms; may lag by a minute. Null if the key was never used'),
        }),
      )
      .describe("The tenant's API keys, without their secrets"),
    suspended: z.boolean().describe('While true, the keys and tickets of the tenant are refused'),
    createdAt: timestamp.describe('Unix ms'),
  })
  .meta({ id: 'Tenant', description: 'One tenant, without its secrets.' });

export const tenantAnswerSchema = z.object({ tenant: tenantSchema }).meta({ id: 'TenantAnswer' });

export const tenantListSchema = z.object({ tenants: z.array(tenantSchema).describe('Oldest first') }).meta({ id: 'TenantList' });

export const createdTenantSchema = z
  .object({
    tenant: tenantSchema,
    apiKey: z.string().describe("For the tenant's backend"),
    webhookToken: z.string().describe("For the provider's setting `webhookUrlToken`"),
    webhookUrl: z.string().describe("For the provider's setting `webhookUrl`"),
    callbackSecret: z.string().describe('Callbacks and relayed notifications are signed with it'),
  })
  .meta({ id: 'CreatedTenant', description: 'The secrets in it are shown only once.' });

export const createdKeySchema = z
  .object({
    keyId: z.string().describe('The id with which to remove the key'),
    apiKey: z.string().describe('The key itself, shown only once'),
  })
  .meta({ id: 'CreatedKey' });

export const pageOriginsSchema = z
  .object({ origins: z.array(z.string()).describe("The tenant's `allowedOrigins`; empty if there is no such session") })
  .meta({ id: 'PageOrigins' });

export const healthSchema = z
  .object({
    status: z.enum(['alive', 'ready', 'not ready']).describe('The state of the service in one word'),
    reason: z.string().optional().describe('What is wrong, in words for the operator'),
  })
  .meta({ id: 'Health' });

/** The gateway accepted a notification, or the notification does not concern it. */
export const takenSchema = z
  .object({})
  .meta({ id: 'Taken', description: 'Empty. The gateway accepted the notification, or the notification does not concern it.' });
