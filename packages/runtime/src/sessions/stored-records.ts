/**
 * Counts what stands in Redis, and what of it this version cannot read with these keys. It changes
 * nothing.
 */

import type { Keyring } from '../keyring/keyring.ts';
import { findSealedFields, type SealedField } from '../keyring/sealed-fields.ts';
import { type Namespace, parseSessionKey, tenantsKey } from '../redis/keys.ts';
import { readOrNull } from '../redis/read-entry.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { decodeSession } from './session-codec.ts';

export interface StoredCounts {
  /** Sealed secrets: credentials of sessions and instances, callback secrets of tenants. */
  readonly secrets: number;
  /** How many of the secrets no key opens. */
  readonly unopened: number;
  /** Sessions with sealed credentials. */
  readonly sessions: number;
  readonly unreadableSessions: number;
  readonly tenants: number;
  /** Ids of the tenants whose records cannot be read. */
  readonly unreadableTenants: readonly string[];
}

export interface StoredRecordsDeps {
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly keyring: Keyring;
}

/** Reads all sessions and tenants once. @throws {Error} if slots of a cluster move meanwhile */
export async function countStored({ redis, namespace, keyring }: StoredRecordsDeps): Promise<StoredCounts> {
  const seen = new Set<string>();
  const counts = { secrets: 0, unopened: 0, sessions: 0, unreadableSessions: 0, tenants: 0 };
  const unreadableTenants: string[] = [];
  for await (const sealed of findSealedFields(redis, namespace)) {
    const { key, field, secrets } = sealed;
    if (seen.has(`${key} ${field}`)) continue;
    seen.add(`${key} ${field}`);
    counts.secrets += secrets?.length ?? 0;
    counts.unopened += unopenedIn(keyring, sealed);
    if (key === tenantsKey(namespace)) {
      counts.tenants += 1;
      if (secrets === null) unreadableTenants.push(field);
      continue;
    }
    const sessionId = parseSessionKey(namespace, key);
    if (sessionId === null) continue;
    counts.sessions += 1;
    if (!isReadable(await redis.hget(key, 'record'), sessionId)) counts.unreadableSessions += 1;
  }
  return { ...counts, unreadableTenants };
}

const unopenedIn = (keyring: Keyring, { secrets, context }: SealedField): number =>
  (secrets ?? []).filter((secret) => readOrNull(() => keyring.open(secret, context)) === null).length;

/** A session without a record has expired meanwhile. */
const isReadable = (record: string | null, sessionId: string): boolean =>
  record === null || readOrNull(() => decodeSession(record, sessionId)) !== null;
