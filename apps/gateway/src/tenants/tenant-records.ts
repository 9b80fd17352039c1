/**
 * The records of tenants, in one Redis hash. Every change is published, so that all gateways act on
 * it at once.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { Logger } from '@qrcast/runtime/log';
import { loadFieldReplace } from '@qrcast/runtime/redis/field-replace';
import { formerTenantsKey, tenantsChannel, tenantsKey } from '@qrcast/runtime/redis/keys';
import { publish } from '@qrcast/runtime/redis/publish';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import { MAX_RACES } from '@qrcast/runtime/sessions/sessions';
import { loadTenantRecord, type TenantRecord, tenantRecordSchema } from '@qrcast/runtime/tenants/tenant-record';

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
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly log: Pick<Logger, 'warn'>;
}

export function createTenantRecords({ redis, namespace, log }: TenantRecordsDeps): TenantRecords {
  const key = tenantsKey(namespace);
  const replace = loadFieldReplace(redis);
  const tell = (id: string): Promise<unknown> => publish(redis, tenantsChannel(namespace), id);

  const load = (id: string): Promise<TenantRecord | null> => loadTenantRecord({ redis, namespace }, id, tenantRecordSchema);

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
      const text = JSON.stringify(record);
      const isNew = (await redis.hsetnx(key, record.id, text)) === 1;
      // A command that was sent again after its reply was lost finds its own record.
      if (!isNew && (await redis.hget(key, record.id)) !== text)
        throw new RefusedError('invalid_request', `id: there is a tenant ${JSON.stringify(record.id)} already; choose another id`);
    },
    async change(id, edit) {
      for (let race = 0; race < MAX_RACES; race++) {
        const text = await redis.hget(key, id);
        if (text === null) throw noTenant(id);
        const next = edit(parse(text));
        if (!(await replace(key, id, text, JSON.stringify(next)))) continue;
        await tell(id);
        return next;
      }
      throw new Error('a tenant was changed by others too often in a row');
    },
    async remove(id) {
      await redis.sadd(formerTenantsKey(namespace), id);
      await redis.hdel(key, id);
      await tell(id);
    },
  };
}

function parse(text: string): TenantRecord {
  return tenantRecordSchema.parse(JSON.parse(text));
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
