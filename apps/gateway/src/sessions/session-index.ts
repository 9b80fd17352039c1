/**
 * An index of each tenant's sessions: the current one of an instance, and all of them by age, or
 * all with one reference. The records are the truth.
 */

import { createHash } from 'node:crypto';
import { LONGEST_SESSION_SECONDS } from '@qrcast/core/requests';
import type { Session } from '@qrcast/core/session';
import { referenceSessionsKey, tenantInstanceKey, tenantSessionsKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import { KEEP_EXPIRED_MS } from '@qrcast/runtime/sessions/sessions';

export interface SessionIndex {
  /**
   * The id of the session that was last made or resumed for the instance. It may have ended since.
   */
  current(tenantId: string, instanceId: string): Promise<string | null>;
  /**
   * Makes `session` the instance's current one if `expected` still is it. Resolves to the id that
   * is current then.
   */
  claim(session: Session, expected: string | null): Promise<string>;
  /** Adds the session. Resolves to how many the tenant has then. */
  add(session: Session): Promise<number>;
  /**
   * Ids from newest to oldest, after `cursor`. With a reference, only those of sessions that have
   * it.
   */
  page(tenantId: string, cursor: string | null, limit: number, reference?: string): Promise<readonly string[]>;
  /** Ids from oldest to newest, without the first `from`. */
  oldest(tenantId: string, from: number, limit: number): Promise<readonly string[]>;
  /**
   * Forgets a session whose record is gone. Its reference is needed to forget it in that list, too.
   */
  forget(session: Pick<Session, 'id' | 'tenantId'> & { readonly reference?: string | null | undefined }): Promise<void>;
}

export function createSessionIndex({ redis, namespace }: { redis: RedisClient; namespace: string }): SessionIndex {
  const claim = loadLuaScript(redis, new URL('./instance-claim-1.lua', import.meta.url));
  const listKey = (tenantId: string, reference: string | null | undefined): string => listKeyOf(namespace, tenantId, reference);

  return {
    current: (tenantId, instanceId) => redis.get(tenantInstanceKey(namespace, tenantId, instanceId)),

    async claim(session, expected) {
      const key = tenantInstanceKey(namespace, session.tenantId, session.instanceId);
      return (await claim([key], [session.id, expected ?? '', session.expiresAt + KEEP_EXPIRED_MS])) as string;
    },

    async add({ id, tenantId, reference, createdAt, expiresAt }) {
      // A session that is older than any can become has no record any more.
      const oldest = createdAt - LONGEST_SESSION_SECONDS * 1000 - KEEP_EXPIRED_MS;
      const goneAt = expiresAt + KEEP_EXPIRED_MS;
      const changes = redis.multi();
      for (const key of new Set([listKey(tenantId, null), listKey(tenantId, reference)])) {
        changes.zremrangebyscore(key, '-inf', oldest).zadd(key, createdAt, id);
        changes.pexpireat(key, goneAt, 'NX').pexpireat(key, goneAt, 'GT'); // the list lives as long as its longest session
      }
      await changes.exec();
      return redis.zcard(listKey(tenantId, null));
    },

    async page(tenantId, cursor, limit, reference) {
      const key = listKey(tenantId, reference);
      const rank = cursor === null ? -1 : await redis.zrevrank(key, cursor);
      if (rank === null) return []; // the session that the cursor names was forgotten, so the list ends here
      return redis.zrevrange(key, rank + 1, rank + limit);
    },

    oldest: (tenantId, from, limit) => redis.zrange(listKey(tenantId, null), `${from}`, `${from + limit - 1}`),

    async forget({ id, tenantId, reference }) {
      await Promise.all([...new Set([listKey(tenantId, null), listKey(tenantId, reference)])].map((key) => redis.zrem(key, id)));
    },
  };
}

/** The key of the list of all sessions, or of those with one reference. */
function listKeyOf(namespace: string, tenantId: string, reference: string | null | undefined): string {
  if (reference == null) return tenantSessionsKey(namespace, tenantId);
  return referenceSessionsKey(namespace, tenantId, createHash('sha256').update(reference).digest('base64url'));
}
