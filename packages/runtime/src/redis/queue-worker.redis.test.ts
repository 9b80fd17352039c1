/** BullMQ workers that stop taking jobs without a word, as in bullmq #3088 and #4138. */

import { Queue, Worker } from 'bullmq';
import { afterEach, beforeEach, expect, inject, it, vi } from 'vitest';
import { openTestRuntime } from '../../test/runtime.ts';
import { wholeWork } from './keys.ts';
import { openQueueWorker } from './queue-worker.ts';
import { WEDGE_DEFAULTS, type WedgeOptions } from './wedge-watch.ts';

const QUICK: WedgeOptions = { lookEveryMs: 20, reopenAfterMs: 100, giveUpAfterMs: 500 };
const OFF: WedgeOptions = { lookEveryMs: 3_600_000, reopenAfterMs: 3_600_000, giveUpAfterMs: 3_600_000 };
const DEFAULTS = { ...WEDGE_DEFAULTS };

const open: { close(): Promise<unknown> }[] = [];
beforeEach(() => void Object.assign(WEDGE_DEFAULTS, QUICK));
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
  vi.restoreAllMocks();
  Object.assign(WEDGE_DEFAULTS, DEFAULTS);
});

/** The first `count` workers made from now on ask for a job and never hear of it. */
function wedge(count: number): void {
  const seen = new Set<unknown>();
  const prototype = Worker.prototype as unknown as { _getNextJob(...args: unknown[]): Promise<unknown> }; // what BullMQ's loop awaits
  const getNextJob = prototype._getNextJob;
  vi.spyOn(prototype, '_getNextJob').mockImplementation(function (this: unknown, ...args) {
    seen.add(this);
    return [...seen].indexOf(this) < count ? new Promise(() => undefined) : getNextJob.apply(this as typeof prototype, args);
  });
}

async function openOne(onWedged?: (queue: string) => void) {
  const runtime = openTestRuntime(inject('redisUrl'));
  open.push(runtime);
  const part = wholeWork(runtime.namespace);
  const queue = new Queue('some', { connection: runtime.redis, prefix: part.queuePrefix });
  const taken: (string | undefined)[] = [];
  const worker = openQueueWorker(
    { ...runtime, part, onWedged },
    'some',
    async ({ id }) => {
      taken.push(id);
    },
    { jobsAtOnce: 10, lockMs: 3_000, stalledCheckMs: 1_500 },
  );
  open.push({ close: () => worker.close(100).then(() => worker.disconnect()) });
  await worker.ready();
  return { runtime, queue, taken };
}

it('a worker that takes no jobs is replaced, and the new one takes them', async () => {
  wedge(2);
  const { queue, taken } = await openOne();
  await queue.add('a job', {}, { jobId: 'one' });
  await expect.poll(() => taken).toEqual(['one']);
});

it('without the watch nobody takes them (twin)', async () => {
  Object.assign(WEDGE_DEFAULTS, OFF);
  wedge(2);
  const { runtime, queue, taken } = await openOne();
  await queue.add('a job', {}, { jobId: 'one' });
  for (let n = 0; n < 2_000; n++) await runtime.redis.ping();
  expect(taken).toEqual([]);
});

it('if replacing it does not help, the process is told once', async () => {
  wedge(1_000);
  const wedged: string[] = [];
  const { queue } = await openOne((name) => wedged.push(name));
  await queue.add('a job', {});
  await expect.poll(() => wedged).toEqual(['some']);
});
