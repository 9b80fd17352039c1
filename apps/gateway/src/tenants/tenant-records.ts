/**
 * The records of tenants, in one Redis hash. Every change is published, so that all gateways act on
 * it at once.
 */

import { DEFAULT_KEEP_CONNECTED_DAYS } from '@qrcast/core/connected-instance';
import { RefusedError } from '@qrcast/core/errors';
import type { Logger } from '@qrcast/runtime/log';
import { loadFieldReplace } from '@qrcast/runtime/redis/field-replace';
import { formerTenantsKey, tenantsChannel, tenantsKey } from '@qrcast/runtime/redis/keys';
import { MAX_RACES } from '@qrcast/runtime/sessions/sessions';
import type { Redis } from 'ioredis';
import { z } from 'zod';

const count = z.number().optional();

const recordSchema = z.object({
  id: z.string(),
  name: z.string(),
  allowedOrigins: z.array(z.string()),
  /** Null: the operator's list applies. */
  upstreamHosts: z.array(z.string()).nullable(),
  limits: z.object({
    sessions: count,
    viewers: count,
    viewersPerSession: count,
    requestsPerMinute: count,
    handshakesPerMinute: count,
    webhookCallsPerMinute: count,
  }),
  callback: z.object({ url: z.string() }).nullable(),
  /** Where the provider's notifications are forwarded to. */
  relay: z.object({ url: z.string() }).nullable().default(null),
  /** The loss of an account is reported for this long after its login. */
  keepConnectedDays: z
    .number()
    .nullish()
    .transform((days) => days ?? DEFAULT_KEEP_CONNECTED_DAYS),
  /** Connected instances are checked this often, in minutes; null: never. */
  checkConnectedEvery: z.number().nullable().default(null),
  /** While set, its credentials are refused and its sessions are not polled. */
  suspended: z.boolean().default(false),
  /**
   * It is being deleted: its sessions are ended, and no new one may begin. The record is removed
   * after that.
   */
  isLeaving: z.boolean().default(false),
  keys: z.array(z.object({ id: z.string(), hash: z.string(), createdAt: z.number() })),
  webhookTokenHash: z.string(),
  sealedCallbackSecret: z.string(),
  /** Callbacks are signed with this one, too, until `validUntil`. */
  previousCallbackSecret: z.object({ sealed: z.string(), validUntil: z.number() }).nullable().default(null),
  createdAt: z.number(),
});

export type TenantRecord = z.infer<typeof recordSchema>;

export interface TenantRecords {
  load(id: string): Promise<TenantRecord | null>;
  /** @throws {RefusedError} `not_found`. */
  mustLoad(id: string): Promise<TenantRecord>;
  /** Leaves out records that cannot be read, and logs them. */
  list(): Promise<readonly TenantRecord[]>;
  /** @throws {RefusedError} `invalid_request` if there is or was a tenant of this id. */
  add(record: TenantRecord): Promise<void>;
  /**
   * Edits the record as it is then. If somebody else changes it meanwhile, `edit` runs again on the
   * result. @throws {RefusedError} `not_found`, and what `edit` throws.
   */
  change(id: string, edit: (record: TenantRecord) => TenantRecord): Promise<TenantRecord>;
  /** The id is never given again. */
  remove(id: string): Promise<void>;
}

export interface TenantRecordsDeps {
  readonly redis: Redis;
  readonly namespace: string;
  readonly log: Pick<Logger, 'warn'>;
}

export function createTenantRecords({ redis, namespace, log }: TenantRecordsDeps): TenantRecords {
  const key = tenantsKey(namespace);
  const replace = loadFieldReplace(redis);
  const publish = (id: string): Promise<unknown> => redis.publish(tenantsChannel(namespace), id);

  async function load(id: string): Promise<TenantRecord | null> {
    const text = await redis.hget(key, id);
    return text === null ? null : parse(text);
  }

  return {
    load,
    async mustLoad(id) {
      const record = await load(id);
      if (record === null) throw noTenant(id);
      return record;
    },
    list: async () => Object.entries(await redis.hgetall(key)).flatMap(([id, text]) => parseReadable(id, text, log)),
    async add(record) {
      const isFormer = (await redis.sismember(formerTenantsKey(namespace), record.id)) === 1;
      if (isFormer)
        throw new RefusedError('invalid_request', 'id: a tenant of this id was deleted, and its sessions may live on; choose another id');
      const isNew = await redis.hsetnx(key, record.id, JSON.stringify(record));
      if (isNew === 0)
        throw new RefusedError('invalid_request', `id: there is a tenant ${JSON.stringify(record.id)} already; choose another id`);
    },
    async change(id, edit) {
      for (let race = 0; race < MAX_RACES; race++) {
        const text = await redis.hget(key, id);
        if (text === null) throw noTenant(id);
        const next = edit(parse(text));
        if (!(await replace(key, id, text, JSON.stringify(next)))) continue;
        await publish(id);
        return next;
      }
      throw new Error('a tenant was changed by others too often in a row');
    },
    async remove(id) {
      await redis.sadd(formerTenantsKey(namespace), id);
      await redis.hdel(key, id);
      await publish(id);
    },
  };
}

function parse(text: string): TenantRecord {
  return recordSchema.parse(JSON.parse(text));
}

/** One record that cannot be read must not hide the others. */
function parseReadable(id: string, text: string, log: TenantRecordsDeps['log']): TenantRecord[] {
  try {
    return [parse(text)];
  } catch (error) {
    log.warn({ tenantId: id.slice(0, 64), error: error instanceof Error ? error.name : typeof error }, 'a tenant record could not be read');
    return [];
  }
}

const noTenant = (id: string): RefusedError => new RefusedError('not_found', `there is no tenant ${JSON.stringify(id)}`);
