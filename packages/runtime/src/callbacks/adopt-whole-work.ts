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
import { readOrNull } from '../redis/read-entry.ts';
import { isCluster, type RedisClient } from '../redis/redis-client.ts';
import { partOf, workParts } from '../redis/work-parts.ts';
import { type CallbackJobs, type JobData, workOf } from './callback-jobs.ts';

export interface AdoptDeps {
  /** A `commands` and a `producer` connection; not closed here. */
  readonly redis: RedisClient;
  readonly producer: RedisClient;
  readonly namespace: Namespace;
  readonly jobs: Pick<CallbackJobs, 'add'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
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

async function adoptJobs(deps: AdoptDeps): Promise<number> {
  const { redis, producer, namespace } = deps;
  const { queuePrefix, callbackFaultsKey } = wholeWork(namespace);
  await redis.del(callbackFaultsKey); // the jobs that failed begin to count anew
  let count = 0;
  for (const name of [CALLBACK_QUEUE_NAME, POLL_QUEUE_NAME]) {
    const metaKey = `${queuePrefix}:${name}:meta`;
    if ((await redis.exists(metaKey)) === 0) continue;
    const queue = new Queue<JobData>(name, { connection: producer, prefix: queuePrefix });
    queue.on('error', () => undefined); // the connection logs its errors
    try {
      // Those of polls are ticks and wake-ups, and new ones come all the time.
      if (name === CALLBACK_QUEUE_NAME) count += await addJobsOf(queue, deps);
      await queue.obliterate({ force: true });
    } catch (error) {
      if ((await redis.exists(metaKey)) === 1) throw error; // another worker has removed it
    } finally {
      await queue.close();
    }
  }
  return count;
}

/** A job that cannot be read is left out: nobody could run it. */
async function addJobsOf(queue: Queue<JobData>, { jobs, log }: AdoptDeps): Promise<number> {
  let count = 0;
  for (const id of await queue.getRanges(['active', 'waiting', 'prioritized', 'delayed'], 0, -1)) {
    const job = await queue.getJob(id).catch(unlessUnreadable);
    const work = job === undefined ? null : readOrNull(() => workOf(job.data));
    if (work === null) log.warn({ jobId: id }, 'a job of callbacks cannot be read and is left out');
    else await jobs.add(work);
    count += work === null ? 0 : 1;
  }
  return count;
}

/** Any other failure must not make a job look unreadable, because the queue is deleted then. @throws it */
function unlessUnreadable(error: unknown): undefined {
  if (!(error instanceof SyntaxError)) throw error;
}
