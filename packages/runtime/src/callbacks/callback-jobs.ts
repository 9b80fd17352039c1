/**
 * The BullMQ jobs of callbacks: one per callback, one per lane of notifications, so that a lane has
 * one request under way, and one per tenant whose connected instances are checked. Jobs hold only
 * ids.
 */

import { DelayedError, type Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { errorFields, type Logger } from '../log.ts';
import { CALLBACK_QUEUE_NAME, type Namespace, queuePrefix } from '../redis/keys.ts';
import type { Lane } from './relay-lanes.ts';

export interface CallbackHandlers {
  /**
   * Tries one callback. Resolves to after how many ms it is due again, or null if it is settled.
   */
  readonly deliver: (tenantId: string, id: string) => Promise<number | null>;
  /**
   * Tries the notifications of a lane in order. Resolves likewise, or to null if the lane is empty.
   */
  readonly relay: (lane: Lane) => Promise<number | null>;
  /**
   * Checks what is due of a tenant's connected instances. Resolves likewise, or to null if none is
   * left.
   */
  readonly check: (tenantId: string) => Promise<number | null>;
}

export type Work = { readonly tenantId: string; readonly id: string } | Lane | { readonly tenantId: string; readonly isCheck: true };
export type JobName = 'deliver' | 'relay' | 'check';
/** `faults`: how often in a row the handler has failed. */
export type JobData = Work & { readonly faults?: number };

export interface CallbackJobs {
  /** Adds a job. A job with this id that exists stays as it is. */
  add(name: JobName, jobId: string, data: Work): Promise<void>;
  /**
   * Makes a job run at once, even if it is due later. False if it is running: it has to end first.
   */
  wake(name: JobName, jobId: string, data: Work): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Before a handler that failed is tried again, for example while Redis is out. Doubled with each
 * fault in a row.
 */
const AFTER_FAULT_MS = 5_000;
const AFTER_FAULT_MAX_MS = 600_000;

/** `redis`: a `commands` connection; not closed here. */
export function openCallbackJobs({ redis, namespace }: { readonly redis: Redis; readonly namespace: Namespace }): CallbackJobs {
  const queue = new Queue<JobData>(CALLBACK_QUEUE_NAME, { connection: redis, prefix: queuePrefix(namespace) });
  queue.on('error', () => undefined); // the connection logs its errors

  async function add(name: JobName, jobId: string, data: Work): Promise<void> {
    await queue.add(name, data, { jobId, removeOnComplete: true, removeOnFail: true });
  }

  return {
    add,

    async wake(name, jobId, data) {
      const job = await queue.getJob(jobId);
      if (job === undefined) await add(name, jobId, data);
      else if (await job.isDelayed()) await job.promote();
      else return !(await job.isActive());
      return true;
    },

    close: () => queue.close(),
  };
}

/** Runs a job's handler. Delays the job until it is due again, and ends it if it is settled. */
export function createJobHandler(handlers: CallbackHandlers, log: Logger) {
  function run(work: Work): Promise<number | null> {
    if ('isCheck' in work) return handlers.check(work.tenantId);
    return 'id' in work ? handlers.deliver(work.tenantId, work.id) : handlers.relay(work);
  }

  return async (job: Job<JobData>, token: string | undefined): Promise<void> => {
    const { faults: faultsBefore = 0, ...work } = job.data;
    let faults = 0;
    const dueInMs = await run(work).catch((error: unknown) => {
      faults = faultsBefore + 1;
      log.warn({ ...work, faults, ...errorFields(error) }, 'a callback job failed; it will be tried again');
      return Math.min(AFTER_FAULT_MS * 2 ** faultsBefore, AFTER_FAULT_MAX_MS);
    });
    if (dueInMs === null) return;
    if (faults !== faultsBefore) await job.updateData({ ...work, faults });
    await job.moveToDelayed(Date.now() + dueInMs, token);
    throw new DelayedError();
  };
}
