/**
 * Keeps the lock of a BullMQ job while it runs. BullMQ does the same, but counts by the clock of
 * the machine. After that is set back it extends no lock of a job that runs, and another worker
 * starts the job a second time.
 */

import type { Job } from 'bullmq';

export function keepingLock<Data>(run: (job: Job<Data>) => Promise<void>, lockMs: number) {
  return async (job: Job<Data>, token = ''): Promise<void> => {
    const timer = setInterval(() => {
      job.extendLock(token, lockMs).catch(() => undefined); // Redis is out, or the lock is lost: another worker runs the job
    }, lockMs / 2);
    try {
      await run(job);
    } finally {
      clearInterval(timer);
    }
  };
}
