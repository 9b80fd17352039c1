/** How much work waits in the whole installation, read from Redis at each scrape. */

import type { Meters } from '../metrics/meters.ts';
import { SHARD_COUNT } from '../polling/shards.ts';
import { CALLBACK_QUEUE_NAME, type Namespace, POLL_QUEUE_NAME, queueStateKey, shardKeys, type WorkPart } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { workParts } from '../redis/work-parts.ts';

interface WorkDeps {
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly meters: Meters;
}

/** BullMQ keeps the first two as lists, the others as sorted sets. */
const LISTS = { waiting: 'wait', active: 'active' } as const;
const SORTED_SETS = { delayed: 'delayed', prioritized: 'prioritized', failed: 'failed', completed: 'completed' } as const;

export function addWorkGauges({ redis, namespace, meters }: WorkDeps): void {
  const parts = workParts(namespace, redis);
  const inAllParts = (count: (part: WorkPart) => Promise<number>): Promise<number> => Promise.all(parts.map(count)).then(sum);
  meters.gauge('qrcast_waiting_sessions', () => {
    const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shardKeys(namespace, shard)[0]);
    return Promise.all(shards.map((due) => redis.zcard(due))).then(sum);
  });
  meters.gauge('qrcast_outbox_marks', () => inAllParts(({ outboxKey }) => redis.zcard(outboxKey)));
  for (const queue of [POLL_QUEUE_NAME, CALLBACK_QUEUE_NAME]) {
    const labelled = (state: string, reading: Promise<number>) => reading.then((value) => ({ labels: { queue, state }, value }));
    meters.gauge('bullmq_job_count', () =>
      Promise.all([
        ...Object.entries(LISTS).map(([state, key]) =>
          labelled(
            state,
            inAllParts((part) => redis.llen(queueStateKey(part, queue, key))),
          ),
        ),
        ...Object.entries(SORTED_SETS).map(([state, key]) =>
          labelled(
            state,
            inAllParts((part) => redis.zcard(queueStateKey(part, queue, key))),
          ),
        ),
      ]),
    );
  }
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
