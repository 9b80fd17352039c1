/**
 * Finds everything sealed in Redis: the credentials of sessions and of connected instances that are
 * checked, and the callback secrets of tenants. Tickets are only signed, and expire by themselves.
 */

import type { Cluster, Redis } from 'ioredis';
import { connectionTo, mastersOf, refreshSlots } from '../redis/cluster-client.ts';
import {
  connectedInstanceKeyPattern,
  type Namespace,
  parseConnectedInstanceKey,
  parseSessionKey,
  sessionKeyPattern,
  tenantsKey,
} from '../redis/keys.ts';
import { readOrNull } from '../redis/read-entry.ts';
import { isCluster, type RedisClient } from '../redis/redis-client.ts';
import { tenantContext, tenantRecordSchema } from '../tenants/tenant-record.ts';
import { connectedContext } from './credentials-vault.ts';

/** A field of a hash that holds sealed secrets. */
export interface SealedField {
  readonly key: string;
  readonly field: string;
  readonly text: string;
  /** What the secrets are bound to. */
  readonly context: string;
  /** Null if `text` is a tenant's record that cannot be read. `field` is the tenant's id. */
  readonly secrets: readonly string[] | null;
}

const BATCH = 500;

const secretsSchema = tenantRecordSchema.pick({ sealedCallbackSecret: true, previousCallbackSecret: true });

/** A field may come twice, because a scan may return a key twice. */
export async function* findSealedFields(redis: RedisClient, namespace: Namespace): AsyncGenerator<SealedField> {
  for (const [id, text] of Object.entries(await redis.hgetall(tenantsKey(namespace)))) {
    yield { key: tenantsKey(namespace), field: id, text, context: tenantContext(id), secrets: readOrNull(() => secretsIn(text)) };
  }
  yield* sealedHashes(redis, sessionKeyPattern(namespace), (key) => parseSessionKey(namespace, key));
  yield* sealedHashes(redis, connectedInstanceKeyPattern(namespace), (key) => {
    const instance = parseConnectedInstanceKey(namespace, key);
    return instance === null ? null : connectedContext(instance);
  });
}

/** @throws {Error} if the text is not a tenant's record. */
function secretsIn(text: string): readonly string[] {
  const { sealedCallbackSecret, previousCallbackSecret } = secretsSchema.parse(JSON.parse(text));
  return [sealedCallbackSecret, ...(previousCallbackSecret === null ? [] : [previousCallbackSecret.sealed])];
}

/** `contextOf`: what the credentials in the hash are bound to. Null for another kind of key. */
async function* sealedHashes(redis: RedisClient, match: string, contextOf: (key: string) => string | null): AsyncGenerator<SealedField> {
  for await (const keys of scanHashes(redis, match)) {
    const texts = await Promise.all(keys.map((key) => redis.hget(key, 'sealed')));
    yield* keys.flatMap((key, i) => {
      const [text, context] = [texts[i], contextOf(key)];
      return text == null || context === null ? [] : [{ key, field: 'sealed', text, context, secrets: [text] }];
    });
  }
}

/**
 * Yields the keys of hashes in bounded batches. A key may come twice.
 *
 * @throws {Error} if a master of a cluster is out, or slots move meanwhile, because keys could be missed
 */
export async function* scanHashes(redis: RedisClient, match: string): AsyncGenerator<readonly string[]> {
  const servers = isCluster(redis) ? await mastersNow(redis) : [redis];
  const before = isCluster(redis) ? ownersIn(redis) : '';
  // A key that is on its way between two masters can be at neither when each is read. In the second
  // round it is found.
  for (const server of servers.length === 1 ? servers : [...servers, ...servers]) {
    for await (const found of server.scanStream({ match, count: BATCH, type: 'hash' })) yield found as readonly string[]; // what a scan stream yields
  }
  if (!isCluster(redis)) return;
  await refreshSlots(redis);
  if (ownersIn(redis) !== before) throw new Error('slots of the cluster moved while its keys were read; run this again when none move');
}

async function mastersNow(cluster: Cluster): Promise<Redis[]> {
  await refreshSlots(cluster);
  return [...mastersOf(cluster)].map((master) => {
    const connection = connectionTo(cluster, master);
    if (connection === undefined) throw new Error(`the master ${master} of the cluster cannot be reached; run this again when it can`);
    return connection;
  });
}

const ownersIn = ({ slots }: Cluster): string => slots.map(([master]) => master).join();
