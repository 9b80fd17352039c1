/**
 * A tenant's API keys. Its record holds their hashes, and one Redis key for each hash names the
 * tenant. Two keys are valid at once, so that a backend can change from one to the other. Each has
 * the time of its last use.
 */

import { RefusedError } from '@qrcast/core/errors';
import { MAX_API_KEYS } from '@qrcast/core/tenant-limits';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { apiKeyKey, keyUsesKey } from '@qrcast/runtime/redis/keys';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import type { TenantRecord } from '@qrcast/runtime/tenants/tenant-record';
import { hashSecret, newId, newSecret } from './secrets.ts';
import type { TenantRecords } from './tenant-records.ts';

type KeyRecord = TenantRecord['keys'][number];

export interface TenantKeys {
  /** For a record that is yet to be written. The key is not valid before `open`. */
  prepare(apiKey: string): KeyRecord;
  open(tenantId: string, key: KeyRecord): Promise<void>;
  /** @throws {RefusedError} `invalid_request` for a third key, `not_found`. */
  add(tenantId: string): Promise<{ keyId: string; apiKey: string }>;
  /** Adds a given key. If the tenant has as many as it may, it replaces the oldest. */
  adopt(tenantId: string, apiKey: string): Promise<void>;
  /** @throws {RefusedError} `not_found`. */
  remove(tenantId: string, keyId: string): Promise<void>;
  removeAll(keys: readonly KeyRecord[]): Promise<void>;
  /** Finds the tenant of a key and notes the use; null if it is nobody's key. */
  find(apiKey: string): Promise<{ record: TenantRecord; keyId: string } | null>;
  /** The last use of each key (Unix ms), up to a minute behind; null if it was never used. */
  lastUses(keyIds: readonly string[]): Promise<readonly (number | null)[]>;
}

export interface TenantKeysDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Clock;
  readonly records: TenantRecords;
}

/** Each gateway notes the use of a key at most this often. */
const NOTE_USE_EVERY_MS = 60_000;

export function createTenantKeys(deps: TenantKeysDeps): TenantKeys {
  const { redis, namespace, clock, records } = deps;
  const uses = createKeyUses(deps);

  const prepare = (apiKey: string): KeyRecord => ({ id: newId('key'), hash: hashSecret(apiKey), createdAt: clock.now() });

  async function open(tenantId: string, { hash }: KeyRecord): Promise<void> {
    await redis.set(apiKeyKey(namespace, hash), tenantId);
  }

  async function close({ id, hash }: KeyRecord): Promise<void> {
    await Promise.all([redis.del(apiKeyKey(namespace, hash)), uses.forget(id)]);
  }

  return {
    prepare,
    open,
    async add(tenantId) {
      const apiKey = newSecret('qk');
      const added = prepare(apiKey);
      await records.change(tenantId, (tenant) => withKey(tenant, added));
      await open(tenantId, added);
      return { keyId: added.id, apiKey };
    },
    async adopt(tenantId, apiKey) {
      const added = prepare(apiKey);
      const dropped = await replaceOldest(records, tenantId, added);
      await Promise.all([open(tenantId, added), ...dropped.map(close)]);
    },
    async remove(tenantId, keyId) {
      await close(await mustFindKey(records, tenantId, keyId));
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
      uses.note(key.id);
      return { record, keyId: key.id };
    },
    lastUses: uses.last,
  };
}

function withKey(tenant: TenantRecord, added: KeyRecord): TenantRecord {
  if (tenant.keys.length >= MAX_API_KEYS)
    throw new RefusedError('invalid_request', `a tenant has ${MAX_API_KEYS} API keys at most; remove one of them first`);
  return { ...tenant, keys: [...tenant.keys, added] };
}

/** Resolves to the keys that had to go. */
async function replaceOldest(records: TenantRecords, tenantId: string, added: KeyRecord): Promise<readonly KeyRecord[]> {
  let dropped: readonly KeyRecord[] = [];
  await records.change(tenantId, (tenant) => {
    const surplus = Math.max(0, tenant.keys.length + 1 - MAX_API_KEYS);
    dropped = tenant.keys.slice(0, surplus);
    return { ...tenant, keys: [...tenant.keys.slice(surplus), added] };
  });
  return dropped;
}

async function mustFindKey(records: TenantRecords, tenantId: string, keyId: string): Promise<KeyRecord> {
  const found = (await records.mustLoad(tenantId)).keys.find((one) => one.id === keyId);
  if (found !== undefined) return found;
  throw new RefusedError('not_found', `tenant ${JSON.stringify(tenantId)} has no key ${JSON.stringify(keyId)}`);
}

interface KeyUses {
  note(keyId: string): void;
  last: TenantKeys['lastUses'];
  forget(keyId: string): Promise<unknown>;
}

/** When each key was last used. */
function createKeyUses({ redis, namespace, clock }: TenantKeysDeps): KeyUses {
  const uses = keyUsesKey(namespace);
  /** When this process last noted the use of a key. No more keys than the tenants have. */
  const notedAt = new Map<string, number>();
  return {
    note(keyId) {
      const now = clock.now();
      if (now - (notedAt.get(keyId) ?? 0) < NOTE_USE_EVERY_MS) return;
      notedAt.set(keyId, now);
      redis.hset(uses, keyId, now).catch(() => notedAt.delete(keyId)); // Redis is unreachable: the next use is noted
    },
    async last(keyIds) {
      if (keyIds.length === 0) return [];
      return (await redis.hmget(uses, ...keyIds)).map((text) => (text === null ? null : Number(text)));
    },
    forget(keyId) {
      notedAt.delete(keyId);
      return redis.hdel(uses, keyId);
    },
  };
}
