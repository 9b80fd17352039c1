/**
 * A BullMQ worker on a connection of its own. It can be stopped in a bounded time even while Redis
 * is out, and it is replaced if it takes no jobs although jobs wait (wedge-watch.ts).
 */

import { setTimeout as delay } from 'node:timers/promises';
import { type Processor, Worker } from 'bullmq';
import { errorFields, type Logger } from '../log.ts';
import type { Meters } from '../metrics/meters.ts';
import type { Connections } from './connections.ts';
import { type WorkPart, waitingJobsKeys } from './keys.ts';
import { disconnectRedis } from './redis.ts';
import type { RedisClient } from './redis-client.ts';
import { WEDGE_DEFAULTS, watchForWedge } from './wedge-watch.ts';

export interface QueueWorkerDeps {
  readonly connections: Pick<Connections, 'open' | 'write'>;
  /** Where the queue stands. */
  readonly part: WorkPart;
  readonly log: Logger;
  readonly meters: Meters;
  /**
   * Called once if replacing the worker does not help. It gets the queue's name. Without it the
   * worker is replaced for ever.
   */
  readonly onWedged?: ((queue: string) => void) | undefined;
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
/**
 * An idle worker asks for jobs this often. If no answer comes a second later, BullMQ replaces its
 * blocking connection.
 */
const BLOCK_SECONDS = 2;
/** After a failure of the connection. BullMQ's default of 15 s would leave screens stale. */
const RETRY_AFTER_MS = 1_000;
const WRITE_WITHIN_MS = 2_000;
/** A job under way needs a moment, even if no grace is given. */
const CLOSE_AT_LEAST_MS = 1_000;

interface Opened {
  readonly worker: Worker;
  readonly connection: RedisClient;
}

export function openQueueWorker<Data>(
  deps: QueueWorkerDeps,
  name: string,
  process: Processor<Data>,
  options: QueueWorkerOptions,
): QueueWorker {
  const { log } = deps;
  let lastJobAt = performance.now();
  let underWay = 0;
  const counted: Processor<Data> = async (...args) => {
    lastJobAt = performance.now();
    underWay++;
    try {
      return await process(...args);
    } finally {
      underWay--;
    }
  };
  const open = (): Opened => openWorker(deps, name, counted, options);
  let current = open();
  const opened = new Set([current]);
  let endWatch: () => void = () => undefined;

  async function reopen(): Promise<void> {
    log.warn({ queue: name }, 'a queue worker takes no jobs although jobs wait; replacing it');
    const wedged = current;
    current = open();
    opened.add(current);
    await run(current.worker);
    await closeWithin(wedged.worker, 0);
    await disconnectRedis(wedged.connection);
    opened.delete(wedged);
  }
  const all = (end: (one: Opened) => Promise<void>): Promise<unknown> => Promise.all([...opened].map(end));

  return {
    async ready() {
      await run(current.worker);
      endWatch = watchForWedge({
        lastJobAt: () => lastJobAt,
        hasFreeSlots: () => underWay < options.jobsAtOnce,
        countWaiting: () => countWaiting(deps, current.connection, name),
        reopen,
        giveUp: () => deps.onWedged?.(name),
        options: WEDGE_DEFAULTS,
      });
    },
    async close(graceMs) {
      endWatch();
      await all(({ worker }) => closeWithin(worker, graceMs));
    },
    async disconnect() {
      await all(({ connection }) => disconnectRedis(connection));
    },
  };
}

function openWorker<Data>(
  { connections, part, log, meters }: QueueWorkerDeps,
  name: string,
  process: Processor<Data>,
  { jobsAtOnce, lockMs, stalledCheckMs }: QueueWorkerOptions,
): Opened {
  const connection = connections.open('queue', { queue: name, part });
  const worker = new Worker<Data>(name, process, {
    connection,
    prefix: part.queuePrefix,
    concurrency: jobsAtOnce,
    lockDuration: lockMs,
    stalledInterval: stalledCheckMs,
    maxStalledCount: MAX_STALLED_COUNT,
    drainDelay: BLOCK_SECONDS,
    runRetryDelay: RETRY_AFTER_MS,
    // With autorun, a worker whose connection cannot become ready retries without a pause and
    // blocks the whole process.
    autorun: false,
  });
  worker.on('completed', () => meters.counter('bullmq_job_completed_total', { queue: name }).add());
  worker.on('failed', () => meters.counter('bullmq_job_failed_total', { queue: name }).add());
  worker.on('error', (error) => log.debug({ queue: name, ...errorFields(error) }, 'a queue worker reported an error'));
  return { worker, connection };
}

/** @throws {NotReadyError} while Redis refuses writes, because then nobody can take a job. */
async function countWaiting({ connections, part }: QueueWorkerDeps, connection: RedisClient, name: string): Promise<number> {
  await connections.write(connection, WRITE_WITHIN_MS);
  const [waiting, prioritized] = waitingJobsKeys(part, name);
  return (await connection.llen(waiting)) + (await connection.zcard(prioritized));
}

/** Resolves when the worker works. */
async function run(worker: Worker): Promise<void> {
  await worker.waitUntilReady();
  worker.run().catch((error: unknown) => worker.emit('error', error as Error)); // it runs until it is closed
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
