/**
 * A tenant's record in Redis: the one schema for every role that reads it. The gateway writes it
 * and reads all of it. Other readers `pick` the fields they need, so that a fault in another field
 * does not stop them.
 */

import { DEFAULT_KEEP_CONNECTED_DAYS } from '@qrcast/core/connected-instance';
import { z } from 'zod';
import { type Namespace, tenantsKey } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redis-client.ts';

const limit = z.number().optional();
const address = z.object({ url: z.string() });

export const tenantRecordSchema = z.object({
  id: z.string(),
  name: z.string(),
  allowedOrigins: z.array(z.string()),
  /** Provider hosts the tenant may use. Null: the operator's own list. */
  upstreamHosts: z.array(z.string()).nullable(),
  limits: z.object({
    sessions: limit,
    viewers: limit,
    viewersPerSession: limit,
    requestsPerMinute: limit,
    handshakesPerMinute: limit,
    webhookCallsPerMinute: limit,
  }),
  /** Where callbacks are sent. Null: nowhere. */
  callback: address.nullable(),
  /** Where the provider's notifications are passed on to. Null: nowhere. */
  relay: address.nullable().default(null),
  /** For how long after its login the loss of an account is reported, days. */
  keepConnectedDays: z
    .number()
    .nullish()
    .transform((days) => days ?? DEFAULT_KEEP_CONNECTED_DAYS),
  /** How often connected instances are checked, minutes. Null: never. */
  checkConnectedEvery: z.number().nullable().default(null),
  /** While it is true, the tenant's credentials are refused and its sessions are not polled. */
  suspended: z.boolean().default(false),
  /** The tenant is being deleted: its sessions are ending, and it cannot create new ones. */
  isLeaving: z.boolean().default(false),
  keys: z.array(z.object({ id: z.string(), hash: z.string(), createdAt: z.number() })),
  webhookTokenHash: z.string(),
  sealedCallbackSecret: z.string(),
  /** Signs callbacks beside the current secret until `validUntil` (Unix ms). */
  previousCallbackSecret: z.object({ sealed: z.string(), validUntil: z.number() }).nullable().default(null),
  createdAt: z.number(),
});

export type TenantRecord = z.infer<typeof tenantRecordSchema>;

export interface TenantRecordDeps {
  readonly redis: RedisClient;
  readonly namespace: Namespace;
}

/**
 * Reads a tenant's record, or the fields of it that `schema` names, as it stands now. Returns null
 * if there is no such tenant. @throws {SyntaxError | z.ZodError} if the record cannot be read.
 */
export async function loadTenantRecord<T>(
  { redis, namespace }: TenantRecordDeps,
  tenantId: string,
  schema: z.ZodType<T>,
): Promise<T | null> {
  const text = await redis.hget(tenantsKey(namespace), tenantId);
  return text === null ? null : schema.parse(JSON.parse(text));
}

/** The associated data that a tenant's callback secrets are sealed with. */
export const tenantContext = (tenantId: string): string => `tenant:${tenantId}`;
