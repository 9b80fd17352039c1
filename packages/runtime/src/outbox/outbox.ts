/**
 * What a worker has to look at: a set of marks in Redis. A mark is set just before the thing that
 * it marks is stored. It is removed only after a second look a good while later, so no crash in
 * between loses anything. This file sets marks. Workers claim them by outbox-claims.ts.
 */

import { type Namespace, outboxKey } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { encodeMark, type Mark } from './marks.ts';

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
  const key = outboxKey(namespace);
  async function mark(one: Mark): Promise<void> {
    await redis.zadd(key, NEW, encodeMark(one));
  }

  return {
    mark,

    async markAround(one, store) {
      // Both go out on one connection, the mark first. An extra mark costs a look; a missing one
      // would lose the thing.
      const [, stored] = await Promise.all([mark(one), store()]);
      // A worker that looked in between found nothing and would come back late. So the mark is set
      // again.
      await mark(one).catch(() => undefined); // without it the worker still comes back
      return stored;
    },
  };
}
