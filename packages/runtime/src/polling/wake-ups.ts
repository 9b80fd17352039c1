/**
 * Wakes an idle worker when a session is due soon, by a job that claims this one session. A lost
 * wake-up delays the poll by at most a tick, because the due-set decides (ticks.ts).
 */

import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { Queue } from 'bullmq';
import { errorFields, type Logger } from '../log.ts';
import type { PollTarget } from './poll-queue.ts';

/**
 * A wake-up must not come before its due time. Its timer runs by our clock, the due time is by the
 * clock of Redis.
 */
const WAKE_MARGIN_MS = 10;

export interface WakeUps {
  /**
   * At most one wake-up per session waits. A negative time means that a request under way decides
   * what follows, and nobody is woken.
   */
  wake(target: PollTarget, dueInMs: number): Promise<void>;
  /** Drops the wake-ups that wait. */
  close(): void;
}

export interface WakeUpsDeps {
  readonly queueOf: (target: PollTarget) => Pick<Queue, 'add'>;
  readonly log: Pick<Logger, 'warn'>;
}

export function createWakeUps({ queueOf, log }: WakeUpsDeps): WakeUps {
  const waiting = new Map<string, NodeJS.Timeout>();

  async function wakeNow(target: PollTarget): Promise<void> {
    // Jobs without a priority run before all others, so ticks never wait behind wake-ups.
    const options = { jobId: `poke-${target.sessionId}`, priority: 1, removeOnComplete: true, removeOnFail: true };
    await queueOf(target)
      .add('poke', target, options)
      .catch((error: unknown) => log.warn(errorFields(error), 'no worker was woken; the next tick will poll'));
  }

  return {
    async wake(target, dueInMs) {
      if (dueInMs < 0 || dueInMs > MIN_SPACING_MS || waiting.has(target.sessionId)) return;
      if (dueInMs === 0) return wakeNow(target);
      const timer = setTimeout(() => {
        waiting.delete(target.sessionId);
        void wakeNow(target);
      }, dueInMs + WAKE_MARGIN_MS);
      waiting.set(target.sessionId, timer);
    },

    close() {
      for (const timer of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}
