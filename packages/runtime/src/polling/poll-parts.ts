/** The parts of the poll queue: each has a BullMQ queue, and the shards of its range of slots. */

import { Queue } from 'bullmq';
import { type Namespace, POLL_QUEUE_NAME, shardKeys, type WorkPart } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { partOf, workParts } from '../redis/work-parts.ts';
import { SHARD_COUNT } from './shards.ts';

export interface PollPart {
  readonly work: WorkPart;
  readonly queue: Queue;
  /** Those whose ticks and wake-ups are in `queue`. */
  readonly shards: readonly number[];
}

export interface PollParts {
  readonly all: readonly PollPart[];
  ofShard(shard: number): PollPart;
  close(): Promise<void>;
}

/** @param producer a connection of that role; not closed here */
export function openPollParts(producer: RedisClient, namespace: Namespace): PollParts {
  const works = workParts(namespace, producer);
  const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
  const workOf = (shard: number): WorkPart => partOf(works, shardKeys(namespace, shard)[0]);
  const all = works.map((work) => {
    const queue = new Queue(POLL_QUEUE_NAME, { connection: producer, prefix: work.queuePrefix });
    queue.on('error', () => undefined); // the connection logs its errors
    return { work, queue, shards: shards.filter((shard) => workOf(shard) === work) };
  });
  const byShard = shards.map((shard) => all.find((part) => part.shards.includes(shard)));
  return {
    all,
    ofShard: (shard) => byShard[shard] as PollPart, // each shard is in one part
    async close() {
      await Promise.all(all.map(({ queue }) => queue.close()));
    },
  };
}
