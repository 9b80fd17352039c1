/** A BullMQ worker on a connection of its own. What is started with it is stopped with it, whatever Redis does meanwhile. */

import { setTimeout as delay } from 'node:timers/promises';
import { type Processor, Worker } from 'bullmq';
import { errorFields, type Logger } from '../log.ts';
import { type Namespace, queuePrefix } from './keys.ts';
import { connectRedis, disconnectRedis } from './redis.ts';

export interface QueueWorkerDeps {
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly log: Logger;
}

export interface QueueWorkerOptions {
  readonly jobsAtOnce: number;
  /** A killed worker's jobs are taken over after this and the check's time, at most. */
  readonly lockMs: number;
  readonly stalledCheckMs: number;
}

export interface QueueWorker {
  /** Works from then on. To be called once. */
  ready(): Promise<void>;
  /** Awaits the jobs under way, at most `graceMs`. */
  close(graceMs: number): Promise<void>;
  /** After `close`, and last of all: a frozen Redis costs a second. */
  disconnect(): Promise<void>;
}

/** BullMQ never resets a job's stall count, and some jobs live for ever: with the default of 1 they would end at their second crash. */
const MAX_STALLED_COUNT = 1_000_000_000;
/** A job under way needs a moment even where no grace is given. */
const CLOSE_AT_LEAST_MS = 1_000;

export function openQueueWorker<Data>(
  { redisUrl, namespace, log }: QueueWorkerDeps,
  name: string,
  process: Processor<Data>,
  { jobsAtOnce, lockMs, stalledCheckMs }: QueueWorkerOptions,
): QueueWorker {
  const connection = connectRedis(redisUrl, 'queue', log);
  const worker = new Worker<Data>(name, process, {
    connection,
    prefix: queuePrefix(namespace),
    concurrency: jobsAtOnce,
    lockDuration: lockMs,
    stalledInterval: stalledCheckMs,
    maxStalledCount: MAX_STALLED_COUNT,
    // A worker whose connection cannot be made ready asks again and again without a pause, and nothing else of this process runs any more.
    autorun: false,
  });
  const report = (error: unknown): void => log.debug({ queue: name, ...errorFields(error) }, 'a queue worker met an error');
  worker.on('error', report);
  return {
    async ready() {
      await worker.waitUntilReady();
      worker.run().catch(report); // until it is closed
    },
    close: (graceMs) => closeWithin(worker, graceMs),
    disconnect: () => disconnectRedis(connection),
  };
}

/** @throws why it did not start, once all that was opened for it is stopped. */
export async function startedOrStopped(starting: Promise<unknown>, stop: (graceMs: number) => Promise<void>): Promise<void> {
  try {
    await starting;
  } catch (error) {
    await stop(0).catch(() => undefined); // nothing can be done about it, and the first error tells more
    throw error;
  }
}

/** BullMQ's close waits for Redis as long as it takes; so once the time is up its connections are cut under it. */
async function closeWithin(worker: Worker, graceMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), Math.max(CLOSE_AT_LEAST_MS, graceMs));
  });
  const closed = worker.close().then(() => 'closed' as const);
  closed.catch(() => undefined); // cut off below
  if ((await Promise.race([closed, late])) === 'late') await Promise.race([worker.disconnect(), delay(CLOSE_AT_LEAST_MS)]);
  clearTimeout(timer);
}
