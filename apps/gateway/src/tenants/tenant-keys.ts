/**
 * A tenant's API keys: hashes in its record, and one Redis key per hash that names the tenant. Two are valid at once, so that a backend can
 * change over; each tells when it was last used.
 */

import { RefusedError } from '@qrcast/core/errors';
import { MAX_API_KEYS } from '@qrcast/core/tenant-limits';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { apiKeyKey, keyUsesKey } from '@qrcast/runtime/redis/keys';
import type { TenantRecord } from '@qrcast/runtime/tenants/tenant-record';
import type { Redis } from 'ioredis';
import { hashSecret, newId, newSecret } from './secrets.ts';
import type { TenantRecords } from './tenant-records.ts';

type KeyRecord = TenantRecord['keys'][number];

export interface TenantKeys {
  /** For a record that is yet to be written; it opens nothing before `open`. */
  prepare(apiKey: string): KeyRecord;
  open(tenantId: string, key: KeyRecord): Promise<void>;
  /** @throws {RefusedError} `invalid_request` for a third key, `not_found`. */
  add(tenantId: string): Promise<{ keyId: string; apiKey: string }>;
  /** A given key; where there is no room, in place of the oldest. */
  adopt(tenantId: string, apiKey: string): Promise<void>;
  /** @throws {RefusedError} `not_found`. */
  remove(tenantId: string, keyId: string): Promise<void>;
  removeAll(keys: readonly KeyRecord[]): Promise<void>;
  /** Whose key it is, null if nobody's. Noted as its use. */
  find(apiKey: string): Promise<{ record: TenantRecord; keyId: string } | null>;
  /** Unix ms of each key's last use, null for never; up to a minute behind. */
  lastUses(keyIds: readonly string[]): Promise<readonly (number | null)[]>;
}

export interface TenantKeysDeps {
  readonly redis: Redis;
  readonly namespace: string;
  readonly clock: Clock;
  readonly records: TenantRecords;
}

/** A key that is used all the time is noted this often by each gateway. */
const NOTE_USE_EVERY_MS = 60_000;

export function createTenantKeys({ redis, namespace, clock, records }: TenantKeysDeps): TenantKeys {
  const uses = keyUsesKey(namespace);
  /** When this process noted a key's use last; no more keys than the tenants have. */
  const notedAt = new Map<string, number>();

  const prepare = (apiKey: string): KeyRecord => ({ id: newId('key'), hash: hashSecret(apiKey), createdAt: clock.now() });

  async function open(tenantId: string, { hash }: KeyRecord): Promise<void> {
    await redis.set(apiKeyKey(namespace, hash), tenantId);
  }

  async function close({ id, hash }: KeyRecord): Promise<void> {
    notedAt.delete(id);
    await Promise.all([redis.del(apiKeyKey(namespace, hash)), redis.hdel(uses, id)]);
  }

  function noteUse(keyId: string): void {
    const now = clock.now();
    if (now - (notedAt.get(keyId) ?? 0) < NOTE_USE_EVERY_MS) return;
    notedAt.set(keyId, now);
    redis.hset(uses, keyId, now).catch(() => notedAt.delete(keyId)); // Redis is out: the next use is noted
  }

  return {
    prepare,
    open,

    async add(tenantId) {
      const apiKey = newSecret('qk');
      const added = prepare(apiKey);
      await records.change(tenantId, (tenant) => {
        if (tenant.keys.length >= MAX_API_KEYS)
          throw new RefusedError('invalid_request', `a tenant has ${MAX_API_KEYS} API keys at most; remove one of them first`);
        return { ...tenant, keys: [...tenant.keys, added] };
      });
      await open(tenantId, added);
      return { keyId: added.id, apiKey };
    },

    async adopt(tenantId, apiKey) {
      const added = prepare(apiKey);
      let dropped: readonly KeyRecord[] = [];
      await records.change(tenantId, (tenant) => {
        const surplus = Math.max(0, tenant.keys.length + 1 - MAX_API_KEYS);
        dropped = tenant.keys.slice(0, surplus);
        return { ...tenant, keys: [...tenant.keys.slice(surplus), added] };
      });
      await Promise.all([open(tenantId, added), ...dropped.map(close)]);
    },

    async remove(tenantId, keyId) {
      const removed = (await records.mustLoad(tenantId)).keys.find((one) => one.id === keyId);
      if (removed === undefined)
        throw new RefusedError('not_found', `tenant ${JSON.stringify(tenantId)} has no key ${JSON.stringify(keyId)}`);
      await close(removed);
      await records.change(tenantId, (tenant) => ({ ...tenant, keys: tenant.keys.filter((one) => one.id !== keyId) }));
    },

    async removeAll(keys) {
      await Promise.all(keys.map(close));
    },

    async find(apiKey) {
      const hash = hashSecret(apiKey);
      const tenantId = await redis.get(apiKeyKey(namespace, hash));
      const record = tenantId === null ? null : await records.load(tenantId);
      const key = record?.keys.find((one) => one.hash === hash);
      if (record === null || record.isLeaving || key === undefined) return null;
      noteUse(key.id);
      return { record, keyId: key.id };
    },

    async lastUses(keyIds) {
      if (keyIds.length === 0) return [];
      return (await redis.hmget(uses, ...keyIds)).map((text) => (text === null ? null : Number(text)));
    },
  };
}
