import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { expectJobs, WORK_WITHIN_MS } from './expect-jobs.ts';

let jobAt = 0;
let waiting: number[] = [];
const ready = (turnAt = performance.now()): Promise<void> =>
  expectJobs({ lastTurnAt: () => turnAt, lastJobAt: () => jobAt, countWaiting: async () => waiting.shift() ?? 0 });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  jobAt = performance.now();
  waiting = [];
});
afterEach(() => void vi.useRealTimers());

it('a worker that takes nothing is ready while nothing waits, however long', async () => {
  vi.advanceTimersByTime(100 * WORK_WITHIN_MS);
  await ready();
});

it('a worker that took a job of late is ready, however many wait', async () => {
  vi.advanceTimersByTime(WORK_WITHIN_MS);
  waiting = [1_000, 1_000];
  await ready();
  expect(waiting).toHaveLength(2);
});

it('a worker is ready if another one takes what waited', async () => {
  vi.advanceTimersByTime(WORK_WITHIN_MS + 1);
  waiting = [1, 0];
  await ready();
  expect(waiting).toHaveLength(0);
});

it('a worker that takes a job between the two looks is ready', async () => {
  vi.advanceTimersByTime(WORK_WITHIN_MS + 1);
  waiting = [1, 1];
  const answer = ready();
  jobAt = performance.now();
  await answer;
});

it('a worker that takes nothing although jobs wait is not ready', async () => {
  vi.advanceTimersByTime(20_000);
  waiting = [1, 3];
  await expect(ready()).rejects.toThrow('this worker has taken no tick for 20 s, although jobs wait');
});

it('a worker that has not heard who adds the ticks is not ready', async () => {
  vi.advanceTimersByTime(20_000);
  await expect(ready(jobAt)).rejects.toThrow('this worker has added no tick for 20 s, and heard of no other that does');
});
