/**
 * Counts what stands in Redis, and what of it this version cannot read with these keys. It changes
 * nothing.
 */

import type { Keyring } from '../keyring/keyring.ts';
import { findSealedFields, type SealedField, scanHashes } from '../keyring/sealed-fields.ts';
import { type Namespace, parseSessionKey, sessionKey, sessionKeyPattern, tenantsKey } from '../redis/keys.ts';
import { readOrNull } from '../redis/read-entry.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { decodeSession } from './session-codec.ts';

export interface StoredCounts {
  /** Sealed secrets: credentials of sessions and instances, callback secrets of tenants. */
  readonly secrets: number;
  /** How many of the secrets no key opens. */
  readonly unopened: number;
  /** All of them, also those that have ended and have no credentials any more. */
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
export async function countStored(deps: StoredRecordsDeps): Promise<StoredCounts> {
  return { ...(await countSealed(deps)), ...(await countSessions(deps)) };
}

async function countSealed({ redis, namespace, keyring }: StoredRecordsDeps): Promise<Omit<StoredCounts, keyof SessionCounts>> {
  const seen = new Set<string>();
  const counts = { secrets: 0, unopened: 0, tenants: 0 };
  const unreadableTenants: string[] = [];
  for await (const sealed of findSealedFields(redis, namespace)) {
    const { key, field, secrets } = sealed;
    if (seen.has(`${key} ${field}`)) continue;
    seen.add(`${key} ${field}`);
    counts.secrets += secrets?.length ?? 0;
    counts.unopened += unopenedIn(keyring, sealed);
    if (key !== tenantsKey(namespace)) continue;
    counts.tenants += 1;
    if (secrets === null) unreadableTenants.push(field);
  }
  return { ...counts, unreadableTenants };
}

type SessionCounts = Pick<StoredCounts, 'sessions' | 'unreadableSessions'>;

/** The reads of a batch are sent together. Of a cluster, each goes to its own node. */
async function countSessions({ redis, namespace }: StoredRecordsDeps): Promise<SessionCounts> {
  const seen = new Set<string>();
  const counts = { sessions: 0, unreadableSessions: 0 };
  for await (const keys of scanHashes(redis, sessionKeyPattern(namespace))) {
    const ids = keys.flatMap((key) => parseSessionKey(namespace, key) ?? []).filter((id) => !seen.has(id));
    for (const id of ids) seen.add(id);
    const records = await Promise.all(
      [...new Set(ids)].map(async (id) => [id, await redis.hget(sessionKey(namespace, id), 'record')] as const),
    );
    for (const [id, record] of records) {
      if (record === null) continue; // it has expired meanwhile
      counts.sessions += 1;
      if (readOrNull(() => decodeSession(record, id)) === null) counts.unreadableSessions += 1;
    }
  }
  return counts;
}

const unopenedIn = (keyring: Keyring, { secrets, context }: SealedField): number =>
  (secrets ?? []).filter((secret) => readOrNull(() => keyring.open(secret, context)) === null).length;
