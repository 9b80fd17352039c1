/**
 * Notices a BullMQ worker that takes no jobs although jobs wait. Such a worker says that it runs,
 * and reports no error (bullmq #3088, #4138).
 *
 *   no job taken while jobs wait and slots are free, for 10 s    reopen it, and again each 10 s
 *   the same for 60 s                                             give up: tell the process, once
 *
 * An idle worker among many is not suspected: nothing waits there. Nor is a busy one, nor one that
 * was paused itself (SIGSTOP, a suspended machine).
 */

import { within } from './within.ts';

export interface WedgeOptions {
  readonly lookEveryMs: number;
  readonly reopenAfterMs: number;
  readonly giveUpAfterMs: number;
}

/** BullMQ replaces a dead blocking connection within 4 s, which is not a wedge. */
export const WEDGE_DEFAULTS: WedgeOptions = { lookEveryMs: 2_000, reopenAfterMs: 10_000, giveUpAfterMs: 60_000 };

/** A timer that comes so late means that this process was paused. */
const PAUSE_MS = 10_000;

export interface WedgeDeps {
  /** By `performance.now()`. */
  readonly lastJobAt: () => number;
  readonly hasFreeSlots: () => boolean;
  /** Rejects while nobody can take jobs, because Redis is out or refuses writes. */
  readonly countWaiting: () => Promise<number>;
  readonly reopen: () => Promise<void>;
  readonly giveUp: () => void;
  readonly options: WedgeOptions;
}

/** Returns the function that ends it. */
export function watchForWedge(deps: WedgeDeps): () => void {
  const { lookEveryMs, reopenAfterMs, giveUpAfterMs } = deps.options;
  let suspectedAt: number | null = null;
  let reopenedAt = 0;
  let hasGivenUp = false;
  let isLooking = false;
  let tickedAt = performance.now();

  async function look(): Promise<void> {
    const now = performance.now();
    const waiting = deps.hasFreeSlots() ? await within(lookEveryMs, deps.countWaiting()) : 0;
    if (waiting === 0 || (suspectedAt !== null && deps.lastJobAt() > suspectedAt)) {
      suspectedAt = null;
      return;
    }
    suspectedAt ??= now;
    if (now - suspectedAt > giveUpAfterMs && !hasGivenUp) {
      hasGivenUp = true;
      deps.giveUp();
    }
    if (now - Math.max(suspectedAt, reopenedAt) < reopenAfterMs) return;
    reopenedAt = now;
    await deps.reopen();
  }

  const timer = setInterval(() => {
    const now = performance.now();
    if (now - tickedAt > lookEveryMs + PAUSE_MS) suspectedAt = null;
    tickedAt = now;
    if (isLooking) return;
    isLooking = true;
    look()
      .catch(() => {
        suspectedAt = null; // Redis is out, and a worker that takes nothing then is well
      })
      .finally(() => {
        isLooking = false;
      });
  }, lookEveryMs);
  return () => clearInterval(timer);
}
