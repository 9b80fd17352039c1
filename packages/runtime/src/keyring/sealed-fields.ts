/**
 * Finds everything sealed in Redis: the credentials of sessions and of connected instances that are
 * checked, and the callback secrets of tenants. Tickets are only signed, and expire by themselves.
 */

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
  for await (const keys of scan(redis, match)) {
    const texts = await Promise.all(keys.map((key) => redis.hget(key, 'sealed')));
    yield* keys.flatMap((key, i) => {
      const [text, context] = [texts[i], contextOf(key)];
      return text == null || context === null ? [] : [{ key, field: 'sealed', text, context, secrets: [text] }];
    });
  }
}

async function* scan(redis: RedisClient, match: string): AsyncGenerator<readonly string[]> {
  for (const server of isCluster(redis) ? redis.nodes('master') : [redis]) {
    for await (const found of server.scanStream({ match, count: BATCH, type: 'hash' })) yield found as readonly string[]; // what a scan stream yields
  }
}
