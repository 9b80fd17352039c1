/**
 * After a move from one Redis to a cluster (OPERATING.md), what callbacks wait for stands where one
 * Redis has it. A worker moves it into its parts when it starts.
 *
 * It may be killed on the way, and several may do it at once: a mark or a job is added before it is
 * removed, and one that is there twice costs a look.
 */

import { Queue } from 'bullmq';
import type { Logger } from '../log.ts';
import { decodeMark, keyNearMark } from '../outbox/marks.ts';
import { CALLBACK_QUEUE_NAME, type Namespace, POLL_QUEUE_NAME, wholeWork } from '../redis/keys.ts';
import { isCluster, type RedisClient } from '../redis/redis-client.ts';
import { partOf, workParts } from '../redis/work-parts.ts';
import { type CallbackJobs, type JobData, workOf } from './callback-jobs.ts';

export interface AdoptDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly jobs: Pick<CallbackJobs, 'add'>;
  readonly log: Pick<Logger, 'info'>;
}

/** Does nothing on one Redis. Marks of a kind that this version does not know are left. */
export async function adoptWholeWork(deps: AdoptDeps): Promise<void> {
  if (!isCluster(deps.redis)) return;
  const marks = await adoptMarks(deps);
  const jobs = await adoptJobs(deps);
  if (marks + jobs > 0) deps.log.info({ marks, jobs }, 'callbacks that came from one Redis go on in this cluster');
}

async function adoptMarks({ redis, namespace }: AdoptDeps): Promise<number> {
  const parts = workParts(namespace, redis);
  const { outboxKey } = wholeWork(namespace);
  const found = await redis.zrange(outboxKey, '0', '-1', 'WITHSCORES');
  let count = 0;
  for (let i = 0; i < found.length; i += 2) {
    const [member = '', score = '0'] = found.slice(i, i + 2);
    const mark = decodeMark(member);
    if (mark === null) continue;
    await redis.zadd(partOf(parts, keyNearMark(namespace, mark)).outboxKey, 'NX', score, member);
    await redis.zrem(outboxKey, member);
    count++;
  }
  return count;
}

async function adoptJobs({ redis, namespace, jobs }: AdoptDeps): Promise<number> {
  const { queuePrefix } = wholeWork(namespace);
  let count = 0;
  for (const name of [CALLBACK_QUEUE_NAME, POLL_QUEUE_NAME]) {
    if ((await redis.exists(`${queuePrefix}:${name}:meta`)) === 0) continue;
    const queue = new Queue<JobData>(name, { connection: redis, prefix: queuePrefix });
    queue.on('error', () => undefined); // the connection logs its errors
    // Those of polls are ticks and wake-ups, and new ones come all the time.
    const found = name === CALLBACK_QUEUE_NAME ? await queue.getJobs() : [];
    for (const { data } of found) await jobs.add(workOf(data));
    count += found.length;
    await queue.obliterate({ force: true });
    await queue.close();
  }
  return count;
}
