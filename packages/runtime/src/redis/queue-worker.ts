/**
 * A BullMQ worker on a connection of its own, which can be stopped in a bounded time even while
 * Redis is out.
 */

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
  /** Other workers take over a killed worker's jobs after at most this plus `stalledCheckMs`. */
  readonly lockMs: number;
  readonly stalledCheckMs: number;
}

export interface QueueWorker {
  /** Resolves when the worker works. Call it once. */
  ready(): Promise<void>;
  /** Awaits the jobs under way, at most `graceMs`. */
  close(graceMs: number): Promise<void>;
  /** Call it after `close`, and last: with a frozen Redis it takes a second. */
  disconnect(): Promise<void>;
}

/**
 * BullMQ never resets the stall count of a job, and some of our jobs live for ever. With the
 * default of 1 their second crashed worker would end them.
 */
const MAX_STALLED_COUNT = 1_000_000_000;
/** A job under way needs a moment, even if no grace is given. */
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
    // With autorun, a worker whose connection cannot become ready retries without a pause and
    // blocks the whole process.
    autorun: false,
  });
  const report = (error: unknown): void => log.debug({ queue: name, ...errorFields(error) }, 'a queue worker reported an error');
  worker.on('error', report);
  return {
    async ready() {
      await worker.waitUntilReady();
      worker.run().catch(report); // it runs until it is closed
    },
    close: (graceMs) => closeWithin(worker, graceMs),
    disconnect: () => disconnectRedis(connection),
  };
}

/**
 * Awaits a start. If it fails, stops what was opened for it. @throws the reason for the failed
 * start.
 */
export async function startedOrStopped(starting: Promise<unknown>, stop: (graceMs: number) => Promise<void>): Promise<void> {
  try {
    await starting;
  } catch (error) {
    await stop(0).catch(() => undefined); // nothing can be done about it, and the first error says more
    throw error;
  }
}

/**
 * BullMQ's close waits for Redis without a limit. So after the given time its connections are cut.
 */
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
