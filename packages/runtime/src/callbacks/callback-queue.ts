/**
 * Gets every callback and every relayed notification to a sender. The outbox is swept for what has
 * to become a job (outbox-sweep.ts), and the jobs run here (callback-jobs.ts).
 *
 * A killed process loses nothing. A callback stands first in the list of its session, which is
 * written with the change, then in the log; only then it leaves the list. A lost job is put back
 * when its mark is looked at again. If only its worker died, BullMQ gives the job to another.
 */

import { errorFields } from '../log.ts';
import { createOutboxClaims } from '../outbox/outbox-claims.ts';
import type { MeasuredClock } from '../redis/clock.ts';
import type { Connections } from '../redis/connections.ts';
import { CALLBACK_QUEUE_NAME } from '../redis/keys.ts';
import { openQueueWorker, type QueueWorkerDeps, startedOrStopped } from '../redis/queue-worker.ts';
import { type CallbackHandlers, createJobHandler, openCallbackJobs } from './callback-jobs.ts';
import { keepingLock } from './job-lock.ts';
import { createOutboxSweep, type OutboxSweepDeps } from './outbox-sweep.ts';

export interface CallbackQueueDeps extends Omit<OutboxSweepDeps, 'claims' | 'jobs'> {
  readonly connections: Pick<Connections, 'open' | 'write'>;
  readonly onWedged?: QueueWorkerDeps['onWedged'];
  readonly clock: MeasuredClock;
}

/** The longest that a callback waits to be seen. */
const SWEEP_EVERY_MS = 200;
/** Most jobs wait for a receiver. The sender decides how many of one tenant may run. */
const WORKER = { jobsAtOnce: 500, lockMs: 10_000, stalledCheckMs: 5_000 } as const;

/** Resolves to the function that stops it and awaits the jobs under way, at most `graceMs`. */
export async function consumeCallbacks(deps: CallbackQueueDeps, handlers: CallbackHandlers): Promise<(graceMs: number) => Promise<void>> {
  const { log } = deps;
  const claims = createOutboxClaims(deps);
  const jobs = openCallbackJobs({ ...deps, claims });
  const outbox = createOutboxSweep({ ...deps, claims, jobs }, SWEEP_EVERY_MS);
  let sweeping: Promise<void> | null = null;
  const timer = setInterval(() => {
    sweeping ??= outbox
      .sweep()
      .catch((error: unknown) => log.debug(errorFields(error), 'the outbox could not be swept')) // Redis is out: the connection logs it
      .finally(() => {
        sweeping = null;
      });
  }, SWEEP_EVERY_MS);
  const worker = openQueueWorker(
    deps,
    CALLBACK_QUEUE_NAME,
    keepingLock(createJobHandler({ ...deps, claims }, handlers), WORKER.lockMs),
    WORKER,
  );

  async function stop(graceMs: number): Promise<void> {
    clearInterval(timer);
    const swept = outbox.stop();
    await sweeping;
    await swept;
    await worker.close(graceMs);
    await jobs.close();
    await worker.disconnect();
  }
  await startedOrStopped(worker.ready(), stop);
  return stop;
}
