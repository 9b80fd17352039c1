/**
 * The BullMQ jobs of callbacks: one per callback, one per lane of notifications, so that a lane has
 * one request under way, and one per tenant whose connected instances are checked. Jobs hold only
 * ids.
 *
 * Work that is not due is no job: it waits as a mark in the outbox, which Redis's clock judges.
 * BullMQ would delay a job by the clock of the machine. A job sets its mark before it ends, and a
 * job made of a mark removes it as it starts. So until it is settled, work always has its job or
 * its mark.
 */

import { DelayedError, type Job, Queue } from 'bullmq';
import { errorFields, type Logger } from '../log.ts';
import type { DueMark } from '../outbox/marks.ts';
import type { OutboxClaims } from '../outbox/outbox-claims.ts';
import { CALLBACK_QUEUE_NAME, type Namespace, tenantSessionsKey, type WorkPart } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { partOf, workParts } from '../redis/work-parts.ts';
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

export type Work = Omit<DueMark, 'kind'>;

export const deliverWork = (tenantId: string, id: string): Work => ({ job: 'deliver', tenantId, id });
export const relayWork = ({ tenantId, instanceId }: Lane): Work => ({ job: 'relay', tenantId, id: instanceId });
export const checkWork = (tenantId: string): Work => ({ job: 'check', tenantId, id: '' });

/** The data of a job. Its form is older than `Work`, and jobs of an older version may be waiting. */
export type JobData = { readonly tenantId: string; readonly id: string } | Lane | { readonly tenantId: string; readonly isCheck: true };

export interface CallbackJobs {
  /** Adds a job, unless this work has one already or waits for its time. */
  add(work: Work): Promise<void>;
  /**
   * Makes work run at once, even if it waits for its time. False if it is under way: it has to end
   * first.
   */
  wake(work: Work): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Before a handler that failed is tried again, for example while Redis is out. Doubled with each
 * fault in a row.
 */
const AFTER_FAULT_MS = 5_000;
const AFTER_FAULT_MAX_MS = 600_000;

export interface CallbackJobsDeps {
  /** A connection of that role; not closed here. */
  readonly producer: RedisClient;
  readonly namespace: Namespace;
  readonly claims: Pick<OutboxClaims, 'putOff' | 'clear' | 'waits'>;
}

export function openCallbackJobs({ producer, namespace, claims }: CallbackJobsDeps): CallbackJobs {
  const open = ({ queuePrefix }: WorkPart): Queue<JobData> => {
    const queue = new Queue<JobData>(CALLBACK_QUEUE_NAME, { connection: producer, prefix: queuePrefix });
    queue.on('error', () => undefined); // the connection logs its errors
    return queue;
  };
  const [first, ...others] = workParts(namespace, producer);
  const queues = [open(first), ...others.map(open)] as const;
  const queueOf = ({ tenantId }: Work): Queue<JobData> => partOf(queues, tenantSessionsKey(namespace, tenantId));

  async function addNow(work: Work): Promise<void> {
    await queueOf(work).add(work.job, dataOf(work), { jobId: jobIdOf(work), removeOnComplete: true, removeOnFail: true });
  }

  return {
    async add(work) {
      // In this order: a job that is just ending has set its mark.
      if ((await queueOf(work).getJob(jobIdOf(work))) !== undefined || (await claims.waits(markOf(work)))) return;
      await addNow(work);
    },

    async wake(work) {
      const job = await queueOf(work).getJob(jobIdOf(work));
      if (job === undefined) await addNow(work);
      else if (await job.isDelayed())
        await job.promote(); // by an older version
      else return !(await job.isActive());
      return true;
    },

    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}

export interface JobHandlerDeps extends Pick<CallbackJobsDeps, 'claims'> {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  /** Whose jobs it handles. */
  readonly part: WorkPart;
  readonly log: Pick<Logger, 'warn'>;
}

/** Runs a job's handler. If the work is due again, it waits as a mark when the job has ended. */
export function createJobHandler({ redis, part, claims, log }: JobHandlerDeps, handlers: CallbackHandlers) {
  const faultsKey = part.callbackFaultsKey;

  /** Resolves to how often in a row the work has failed. */
  async function start(work: Work): Promise<number> {
    const [, faults] = await Promise.all([claims.clear(markOf(work)), redis.hget(faultsKey, jobIdOf(work))]);
    return Number(faults ?? 0);
  }

  async function run(work: Work, faultsBefore: number): Promise<number | null> {
    try {
      const dueInMs = await runHandler(handlers, work);
      if (faultsBefore > 0) await redis.hdel(faultsKey, jobIdOf(work));
      return dueInMs;
    } catch (error) {
      const faults = faultsBefore + 1;
      log.warn({ ...work, faults, ...errorFields(error) }, 'a callback job failed; it will be tried again');
      await redis.hset(faultsKey, jobIdOf(work), faults);
      return Math.min(AFTER_FAULT_MS * 2 ** faultsBefore, AFTER_FAULT_MAX_MS);
    }
  }

  return async ({ data }: Job<JobData>): Promise<void> => {
    const work = workOf(data);
    try {
      const dueInMs = await run(work, await start(work));
      if (dueInMs !== null) await claims.putOff(markOf(work), dueInMs);
    } catch (error) {
      // Redis is out. Ended now, the job would leave no mark. So it stays active, without anybody
      // who extends its lock, and a worker takes it again when the lock is over.
      throw new DelayedError(error instanceof Error ? error.message : undefined);
    }
  };
}

function runHandler(handlers: CallbackHandlers, { job, tenantId, id }: Work): Promise<number | null> {
  switch (job) {
    case 'deliver':
      return handlers.deliver(tenantId, id);
    case 'relay':
      return handlers.relay({ tenantId, instanceId: id });
    case 'check':
      return handlers.check(tenantId);
    default:
      return job satisfies never;
  }
}

const markOf = (work: Work): DueMark => ({ kind: 'due', ...work });

function jobIdOf({ job, tenantId, id }: Work): string {
  if (job === 'deliver') return id;
  return job === 'relay' ? `relay-${tenantId}-${id}` : `checks-${tenantId}`;
}

function dataOf({ job, tenantId, id }: Work): JobData {
  if (job === 'deliver') return { tenantId, id };
  return job === 'relay' ? { tenantId, instanceId: id } : { tenantId, isCheck: true };
}

export function workOf(data: JobData): Work {
  if ('isCheck' in data) return checkWork(data.tenantId);
  return 'id' in data ? deliverWork(data.tenantId, data.id) : relayWork(data);
}
