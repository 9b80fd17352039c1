/** A tenant's sessions: which one is live for an instance, and all of them by age. An index only: the records are the truth. */

import type { Session } from '@qrcast/core/session';
import { tenantInstanceKey, tenantSessionsKey } from '@qrcast/runtime/keys';
import { loadLuaScript } from '@qrcast/runtime/lua-script';
import { KEEP_EXPIRED_MS } from '@qrcast/runtime/sessions';
import type { Redis } from 'ioredis';

export interface SessionIndex {
  /** The session last made or resumed for the instance; it may have ended since. */
  current(tenantId: string, instanceId: string): Promise<string | null>;
  /** Makes `session` the instance's current one if `expected` still is; resolves to the one that is current then. */
  claim(session: Session, expected: string | null): Promise<string>;
  add(session: Session): Promise<void>;
  /** Ids from newest to oldest, after `cursor`. */
  page(tenantId: string, cursor: string | null, limit: number): Promise<readonly string[]>;
  /** Forgets a session whose record is gone. */
  forget(tenantId: string, sessionId: string): Promise<void>;
}

/** The longest `expiresInSeconds` a caller may ask for. */
const LONGEST_SESSION_MS = 604_800_000;

export function createSessionIndex({ redis, namespace }: { redis: Redis; namespace: string }): SessionIndex {
  const claim = loadLuaScript(redis, 'instance-claim-1');
  return {
    current: (tenantId, instanceId) => redis.get(tenantInstanceKey(namespace, tenantId, instanceId)),

    async claim(session, expected) {
      const key = tenantInstanceKey(namespace, session.tenantId, session.instanceId);
      return (await claim([key], [session.id, expected ?? '', session.expiresAt + KEEP_EXPIRED_MS])) as string;
    },

    async add(session) {
      const key = tenantSessionsKey(namespace, session.tenantId);
      // What is older than any session can get has no record any more.
      const oldest = session.createdAt - LONGEST_SESSION_MS - KEEP_EXPIRED_MS;
      await redis.multi().zremrangebyscore(key, '-inf', oldest).zadd(key, session.createdAt, session.id).exec();
    },

    async page(tenantId, cursor, limit) {
      const key = tenantSessionsKey(namespace, tenantId);
      const rank = cursor === null ? -1 : await redis.zrevrank(key, cursor);
      if (rank === null) return []; // the session the cursor names is forgotten: the list ends here
      return redis.zrevrange(key, rank + 1, rank + limit);
    },

    async forget(tenantId, sessionId) {
      await redis.zrem(tenantSessionsKey(namespace, tenantId), sessionId);
    },
  };
}
