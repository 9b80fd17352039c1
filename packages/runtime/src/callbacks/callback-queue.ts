/**
 * Gets every callback and every relayed notification to a sender. The outbox is swept for what has
 * to become a job (outbox-sweep.ts), and the jobs run here (callback-jobs.ts). In a cluster each part
 * of the work has its own outbox and jobs.
 *
 * A killed process loses nothing. A callback stands first in the list of its session, which is
 * written with the change, then in the log; only then it leaves the list. A lost job is put back
 * when its mark is looked at again. If only its worker died, BullMQ gives the job to another.
 */

import { errorFields } from '../log.ts';
import { createOutboxClaims, type OutboxClaims } from '../outbox/outbox-claims.ts';
import type { MeasuredClock } from '../redis/clock.ts';
import type { Connections } from '../redis/connections.ts';
import { CALLBACK_QUEUE_NAME, type WorkPart } from '../redis/keys.ts';
import { openQueueWorker, type QueueWorkerDeps, startedOrStopped } from '../redis/queue-worker.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { workParts } from '../redis/work-parts.ts';
import { adoptWholeWork } from './adopt-whole-work.ts';
import { type CallbackHandlers, type CallbackJobs, createJobHandler, openCallbackJobs } from './callback-jobs.ts';
import { keepingLock } from './job-lock.ts';
import { createOutboxSweep, type OutboxSweepDeps } from './outbox-sweep.ts';

export interface CallbackQueueDeps extends Omit<OutboxSweepDeps, 'claims' | 'jobs'> {
  /** A connection of that role; not closed here. */
  readonly producer: RedisClient;
  readonly connections: Pick<Connections, 'open' | 'write'>;
  readonly onWedged?: QueueWorkerDeps['onWedged'];
  readonly meters: QueueWorkerDeps['meters'];
  readonly clock: MeasuredClock;
}

/** The longest that a callback waits to be seen. */
const SWEEP_EVERY_MS = 200;
/** Most jobs wait for a receiver. The sender decides how many of one tenant may run. */
const WORKER = { jobsAtOnce: 500, lockMs: 10_000, stalledCheckMs: 5_000 } as const;

interface Shared extends CallbackQueueDeps {
  readonly claims: OutboxClaims;
  readonly jobs: CallbackJobs;
}

/** Resolves to the function that stops it and awaits the jobs under way, at most `graceMs`. */
export async function consumeCallbacks(deps: CallbackQueueDeps, handlers: CallbackHandlers): Promise<(graceMs: number) => Promise<void>> {
  const claims = createOutboxClaims(deps);
  const jobs = openCallbackJobs({ ...deps, claims });
  const parts = workParts(deps.namespace, deps.redis).map((part) => consumePart({ ...deps, claims, jobs }, part, handlers));

  async function stop(graceMs: number): Promise<void> {
    await Promise.all(parts.map((part) => part.close(graceMs)));
    await jobs.close();
    await Promise.all(parts.map((part) => part.disconnect()));
  }
  const ready = adoptWholeWork({ ...deps, jobs }).then(() => Promise.all(parts.map((part) => part.ready())));
  await startedOrStopped(ready, stop);
  return stop;
}

function consumePart(deps: Shared, part: WorkPart, handlers: CallbackHandlers) {
  const { log } = deps;
  const outbox = createOutboxSweep(deps, part, SWEEP_EVERY_MS);
  let sweeping: Promise<void> | null = null;
  const timer = setInterval(() => {
    sweeping ??= outbox
      .sweep()
      .catch((error: unknown) => log.debug(errorFields(error), 'the outbox could not be swept')) // Redis is out: the connection logs it
      .finally(() => {
        sweeping = null;
      });
  }, SWEEP_EVERY_MS);
  const handle = keepingLock(createJobHandler({ ...deps, part }, handlers), WORKER.lockMs);
  const worker = openQueueWorker({ ...deps, part }, CALLBACK_QUEUE_NAME, handle, WORKER);

  return {
    ready: () => worker.ready(),
    disconnect: () => worker.disconnect(),
    async close(graceMs: number): Promise<void> {
      clearInterval(timer);
      await Promise.all([outbox.stop(), sweeping, worker.close(graceMs)]);
    },
  };
}
