/** Polls while the clock of the worker's machine is set, and who adds the ticks. */

import { Queue, QueueEvents, Worker } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { later, newTarget, pollLog, preparePollQueues } from '../../test/poll-queue.ts';
import type { TestRuntime } from '../../test/runtime.ts';
import { prepareWallClock } from '../../test/wall-clock.ts';
import { POLL_QUEUE_NAME, shardKeys, type WorkPart, wholeWork } from '../redis/keys.ts';
import { disconnectRedis } from '../redis/redis.ts';
import { within } from '../redis/within.ts';
import { partOf, workParts } from '../redis/work-parts.ts';
import { openPollParts } from './poll-parts.ts';
import type { Claim, Polled } from './poll-queue.ts';
import { pollMember, SHARD_COUNT, shardOf } from './shards.ts';

const HOUR_MS = 3_600_000;
/** Longer than the watch of a test's session, so a poll that has not come by then does not come. */
const STEP_MS = 90_000;
const wallClock = prepareWallClock();
const { open, openProcess, consume } = preparePollQueues();

/** The ids of the jobs of the poll queue as they are added. */
async function addedJobs({ connections, namespace, redis }: TestRuntime): Promise<string[]> {
  const ids: string[] = [];
  for (const { queuePrefix } of workParts(namespace, redis)) {
    const connection = connections.open('queue');
    const events = new QueueEvents(POLL_QUEUE_NAME, { connection, prefix: queuePrefix });
    events.on('added', ({ jobId }) => void ids.push(jobId));
    open.push({
      async close() {
        await events.close();
        await disconnectRedis(connection);
      },
    });
    await events.waitUntilReady();
  }
  return ids;
}

const partOfShard = ({ namespace, redis }: TestRuntime, shard: number): WorkPart =>
  partOf(workParts(namespace, redis), shardKeys(namespace, shard)[0]);

/** The tickers of all parts. */
const tickersOf = ({ namespace, redis }: TestRuntime): Promise<(string | null)[]> =>
  Promise.all(workParts(namespace, redis).map(({ tickerKey }) => redis.get(tickerKey)));

const ticksOf = (ids: readonly string[], shard: number): string[] => ids.filter((id) => id.startsWith(`tick-${shard}-`));

describe('PollQueue over BullMQ', () => {
  it.each([2 * HOUR_MS, 90_000, -120_000, -2 * HOUR_MS])('goes on to poll when the clock is set by %i ms', async (byMs) => {
    const { queue } = openProcess();
    const log = pollLog();
    const poll = async (claim: Claim): Promise<Polled> => {
      log.add(claim);
      return { nextAt: claim.startedAt + 1_500 };
    };
    await consume(queue, { poll });
    await queue.ensure(newTarget(), later());
    await log.until(2);
    wallClock.shift(byMs);
    await log.until(5);
    const gaps = log.claims.slice(1, 5).map(({ startedAt }, i) => startedAt - (log.claims[i]?.startedAt ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(1_400); // a clock set forward makes none early
  });

  it('(twin) a job that BullMQ delays waits for a clock that was set back, while polls go on', async () => {
    const { runtime, queue } = openProcess();
    const connection = runtime.connections.open('queue');
    const options = { connection, prefix: wholeWork(runtime.namespace).queuePrefix };
    const delayed = new Queue('delayed', options);
    let ran = 0;
    const worker = new Worker('delayed', async () => void ran++, options);
    open.push({
      async close() {
        await worker.close();
        await delayed.close();
        await disconnectRedis(connection);
      },
    });
    await delayed.add('first', {}, { delay: 10 });
    await expect.poll(() => ran).toBe(1);
    const log = pollLog();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        return { nextAt: claim.startedAt + 1_100 };
      },
    });
    await delayed.add('second', {}, { delay: 1_000 });
    wallClock.shift(-120_000);
    await queue.ensure(newTarget(), later());
    await log.until(4);
    expect(ran).toBe(1);
  });
});

/** Something is due in every shard, for as long as nobody has a request slot. */
async function fillShards({ redis, namespace }: TestRuntime): Promise<void> {
  await Promise.all(
    Array.from({ length: SHARD_COUNT }, (_, shard) => redis.zadd(shardKeys(namespace, shard)[0], 1, pollMember(newTarget()))),
  );
}
const NO_SLOTS = 0;

describe('ticks', () => {
  it('come for every shard in which something is due, from one process of all', async () => {
    const one = openProcess();
    const two = openProcess(one.runtime.namespace);
    const jobs = await addedJobs(one.runtime);
    await fillShards(one.runtime);
    await consume(one.queue, {}, NO_SLOTS);
    const holders = await tickersOf(one.runtime);
    await consume(two.queue, {}, NO_SLOTS);
    const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
    await expect.poll(() => shards.filter((shard) => ticksOf(jobs, shard).length < 6)).toEqual([]);
    for (const shard of shards) {
      const turns = ticksOf(jobs, shard).map((id) => Number(id.split('-')[2]));
      for (const [i, turn] of turns.slice(1).entries()) expect(turn).toBe(((turns[i] ?? 0) + 1) % 4); // two tickers would repeat turns
    }
    expect(await tickersOf(one.runtime)).toEqual(holders);
  });

  it('come from another process at once when the ticker stops', async () => {
    const one = openProcess();
    const two = openProcess(one.runtime.namespace);
    const consumer = await one.queue.consume(
      { poll: async () => ({ nextAt: null }), unwatched: async () => undefined },
      { concurrency: NO_SLOTS },
    );
    const key = partOfShard(one.runtime, 0).tickerKey;
    const holder = await two.runtime.redis.get(key);
    await fillShards(one.runtime);
    await consume(two.queue, {}, NO_SLOTS);
    await consumer.close(0);
    await expect.poll(() => two.runtime.redis.get(key)).not.toBe(holder);
    const jobs = await addedJobs(two.runtime);
    await expect.poll(() => ticksOf(jobs, 0).length).toBeGreaterThan(1);
  });

  it('come from another process when the lease of a killed ticker is over', async () => {
    const { runtime, queue } = openProcess();
    const jobs = await addedJobs(runtime);
    const key = partOfShard(runtime, 0).tickerKey;
    await runtime.redis.set(key, 'killed', 'PX', 4_000);
    await fillShards(runtime);
    await consume(queue, {}, NO_SLOTS);
    expect(await runtime.redis.get(key)).toBe('killed');
    await expect.poll(() => ticksOf(jobs, 0).length).toBeGreaterThan(1);
  });

  it('of other turns come while one is stuck with a killed worker, and none pile up', async () => {
    const { runtime, queue } = openProcess();
    const connection = runtime.connections.open('queue');
    const target = newTarget();
    const options = { connection, prefix: partOfShard(runtime, shardOf(target)).queuePrefix };
    const stuck = new Worker(POLL_QUEUE_NAME, null, { ...options, lockDuration: HOUR_MS });
    const jobs = new Queue(POLL_QUEUE_NAME, options);
    open.push({
      async close() {
        await stuck.close(true);
        await jobs.close();
        await disconnectRedis(connection);
      },
    });
    // Bounded apart from the polls, so that a failure tells which of both hangs.
    await within(STEP_MS, jobs.add('tick', { shard: shardOf(target) }, { jobId: `tick-${shardOf(target)}-1` }));
    await within(STEP_MS, stuck.getNextJob('a worker that was killed then'));
    const log = pollLog();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        return { nextAt: claim.startedAt + 1_100 };
      },
    });
    await queue.ensure(target, later());
    await within(STEP_MS, log.until(8));
    expect(await jobs.getActiveCount()).toBeGreaterThanOrEqual(1); // twin: it is still stuck
    expect(await jobs.getWaitingCount()).toBeLessThanOrEqual(4 * SHARD_COUNT);
  });

  it('of an older version, which delayed themselves, are removed', async () => {
    const { runtime, queue } = openProcess();
    const parts = openPollParts(runtime.producer, runtime.namespace);
    open.push(parts);
    const countDelayed = async (): Promise<number> => {
      const counts = await Promise.all(parts.all.map(({ queue: jobs }) => jobs.getDelayedCount()));
      return counts.reduce((sum, count) => sum + count);
    };
    await Promise.all(
      Array.from({ length: SHARD_COUNT }, (_, shard) =>
        parts.ofShard(shard).queue.add('tick', { shard }, { jobId: `tick-${shard}`, delay: HOUR_MS }),
      ),
    );
    expect(await countDelayed()).toBe(SHARD_COUNT);
    await consume(queue, {});
    expect(await countDelayed()).toBe(0);
  });
});
