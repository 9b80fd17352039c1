/** For tests: processes with a poll queue each, sessions to poll, and a log of polls. */

import { randomUUID } from 'node:crypto';
import { afterEach, inject } from 'vitest';
import type { Claim, PollConsumer, PollHandlers, PollQueue, PollTarget } from '../src/polling/poll-queue.ts';
import { openPollQueue } from '../src/polling/poll-queue-bullmq.ts';
import { openTestRuntime, type TestRuntime } from './runtime.ts';
import { steadyNow } from './wall-clock.ts';

/** Call it at the top of a test file. What a test opens is closed after it. */
export function preparePollQueues() {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  return {
    open,
    openProcess(namespace?: string): { runtime: TestRuntime; queue: PollQueue } {
      const runtime = openTestRuntime(inject('redisUrl'), namespace);
      const queue = openPollQueue(runtime);
      open.push(runtime, queue);
      return { runtime, queue };
    },
    async consume(queue: PollQueue, handlers: Partial<PollHandlers>, concurrency = 100): Promise<PollConsumer> {
      const consumer = await queue.consume(
        { poll: async () => ({ nextAt: null }), unwatched: async () => undefined, ...handlers },
        { concurrency },
      );
      open.push({ close: () => consumer.close(1_000) });
      return consumer;
    },
  };
}

export const newTarget = (instanceKey: string = randomUUID(), tenantId = 'acme'): PollTarget => ({
  sessionId: `ses_${randomUUID()}`,
  instanceKey,
  tenantId,
});
/** By the clock of Redis, which runs on this machine. */
export const later = (): number => steadyNow() + 60_000;

/** Collects polls. `until(n)` resolves to the first n. */
export function pollLog() {
  const claims: Claim[] = [];
  let wake: () => void = () => undefined;
  return {
    claims,
    add(claim: Claim): void {
      claims.push(claim);
      wake();
    },
    async until(count: number): Promise<readonly Claim[]> {
      while (claims.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return claims.slice(0, count);
    },
  };
}
