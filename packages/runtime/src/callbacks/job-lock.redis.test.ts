/** Who runs a job while the clock of its worker's machine is set back. */

import { type Job, Queue, Worker } from 'bullmq';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { openTestRuntime } from '../../test/runtime.ts';
import { prepareWallClock } from '../../test/wall-clock.ts';
import { wholeWork } from '../redis/keys.ts';
import { disconnectRedis } from '../redis/redis.ts';
import { keepingLock } from './job-lock.ts';

/** An extension may be two seconds late. */
const LOCK_MS = 4_000;
const wallClock = prepareWallClock();
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** Starts a job that runs until the test ends, on a worker that could run it twice. */
async function startJob(wrap: (run: (job: Job) => Promise<void>) => (job: Job, token?: string) => Promise<void>) {
  const runtime = openTestRuntime(inject('redisUrl'));
  const connection = runtime.connections.open('queue');
  const options = { connection, prefix: wholeWork(runtime.namespace).queuePrefix };
  const queue = new Queue('long', options);
  const over = Promise.withResolvers<void>();
  const first = Promise.withResolvers<void>();
  let runs = 0;
  let extensions = 0;
  async function run(job: Job): Promise<void> {
    runs++;
    const { extendLock } = job;
    job.extendLock = (...args) => {
      extensions++;
      return extendLock.apply(job, args);
    };
    first.resolve();
    await over.promise;
  }
  const worker = new Worker('long', wrap(run), { ...options, concurrency: 2, lockDuration: LOCK_MS, stalledInterval: 100 });
  worker.on('error', () => undefined); // the lock of the job is lost, which is the point
  open.push(runtime, {
    async close() {
      over.resolve();
      await worker.close();
      await queue.close();
      await disconnectRedis(connection);
    },
  });
  await queue.add('one', {});
  await first.promise;
  return { runs: () => runs, extensions: () => extensions };
}

describe('a job that runs when the clock is set back', () => {
  it('keeps its lock, and nobody else starts it', async () => {
    const { runs, extensions } = await startJob((run) => keepingLock(run, LOCK_MS));
    wallClock.shift(-7_200_000);
    await expect.poll(extensions).toBeGreaterThan(3); // twice as long as a lock lasts
    expect(runs()).toBe(1);
  });

  it('(twin) is started again if only BullMQ keeps its lock', async () => {
    const { runs } = await startJob((run) => run);
    wallClock.shift(-7_200_000);
    await expect.poll(runs).toBeGreaterThan(1);
  });
});
