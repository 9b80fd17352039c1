/**
 * What a worker has to look at: a set of marks in Redis. A mark is set just before the thing that
 * it marks is stored. It is removed only after a second look a good while later, so no crash in
 * between loses anything. This file sets marks. Workers claim them by outbox-claims.ts.
 */

import type { Namespace } from '../redis/keys.ts';
import { isCluster, type RedisClient } from '../redis/redis-client.ts';
import { partOf, workParts } from '../redis/work-parts.ts';
import { encodeMark, keyNearMark, type Mark } from './marks.ts';

export interface Outbox {
  /** Sets a mark for something that is stored already. */
  mark(mark: Mark): Promise<void>;
  /**
   * Stores something and marks it. If it is stored, it is marked, whenever this process dies.
   * Resolves as `store` does.
   */
  markAround<T>(mark: Mark, store: () => Promise<T>): Promise<T>;
}

/** The score of a mark that nobody has looked at: lower than every time, so due at once. */
export const NEW = 0;

export interface OutboxDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  readonly namespace: Namespace;
}

export function createOutbox({ redis, namespace }: OutboxDeps): Outbox {
  const parts = workParts(namespace, redis);
  async function mark(one: Mark): Promise<void> {
    await redis.zadd(partOf(parts, keyNearMark(namespace, one)).outboxKey, NEW, encodeMark(one));
  }

  return {
    mark,

    async markAround(one, store) {
      // The mark comes first: an extra one costs a look, a missing one would lose the thing. To one
      // Redis both go out on one connection, in this order.
      const marked = mark(one);
      if (isCluster(redis)) await marked;
      const [, stored] = await Promise.all([marked, store()]);
      // A worker that looked in between found nothing and would come back late. So the mark is set
      // again.
      await mark(one).catch(() => undefined); // without it the worker still comes back
      return stored;
    },
  };
}
