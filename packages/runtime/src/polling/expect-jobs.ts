/** Whether a worker takes its part of the polls, for its readiness. */

import { setTimeout as delay } from 'node:timers/promises';
import { NotReadyError } from '../redis/connections.ts';

export interface JobsSeen {
  /** When this worker last added ticks or heard that another one does, by `performance.now()`. */
  readonly lastTurnAt: () => number;
  /** When this worker last took a job, or began, by `performance.now()`. */
  readonly lastJobAt: () => number;
  readonly countWaiting: () => Promise<number>;
}

export const WORK_WITHIN_MS = 15_000;
const LOOK_AGAIN_MS = 1_000;

/**
 * A worker that takes nothing is well while nothing waits. What waits in one moment another worker
 * may take in the next, so jobs have to wait at two looks.
 * @throws {NotReadyError}
 */
export async function expectJobs({ lastTurnAt, lastJobAt, countWaiting }: JobsSeen): Promise<void> {
  const silentMs = performance.now() - lastTurnAt();
  if (silentMs > WORK_WITHIN_MS)
    throw new NotReadyError(`this worker has added no tick for ${inSeconds(silentMs)}, and heard of no other that does`);
  const jobAt = lastJobAt();
  const isIdle = (): boolean => lastJobAt() === jobAt && performance.now() - jobAt > WORK_WITHIN_MS;
  if (!isIdle() || (await countWaiting()) === 0) return;
  await delay(LOOK_AGAIN_MS);
  if (!isIdle() || (await countWaiting()) === 0) return;
  throw new NotReadyError(`this worker has taken no tick for ${inSeconds(performance.now() - jobAt)}, although jobs wait`);
}

const inSeconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
