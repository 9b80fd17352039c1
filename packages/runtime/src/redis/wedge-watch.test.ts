import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchForWedge } from './wedge-watch.ts';

const OPTIONS = { lookEveryMs: 2_000, reopenAfterMs: 10_000, giveUpAfterMs: 60_000 };

let lastJobAt = 0;
let waiting = 0;
let isFull = false;
let isOut = false;
const reopen = vi.fn(async () => undefined);
const giveUp = vi.fn();
let end: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  [lastJobAt, waiting, isFull, isOut] = [performance.now(), 0, false, false];
  end = watchForWedge({
    lastJobAt: () => lastJobAt,
    hasFreeSlots: () => !isFull,
    countWaiting: async () => (isOut ? Promise.reject(new Error('out')) : waiting),
    reopen,
    giveUp,
    options: OPTIONS,
  });
});
afterEach(() => {
  end();
  vi.clearAllMocks();
  vi.useRealTimers();
});

it('a worker that takes nothing while jobs wait is reopened each 10 s, and given up once after a minute', async () => {
  waiting = 3;
  await vi.advanceTimersByTimeAsync(11_000);
  expect(reopen).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reopen).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(50_000);
  expect(giveUp).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(giveUp).toHaveBeenCalledTimes(1);
  expect(reopen.mock.calls.length).toBeGreaterThan(50);
});

it.each([
  ['is idle', () => undefined],
  ['takes jobs, however many wait', () => ([waiting, lastJobAt] = [1_000, performance.now()])],
  ['has no free slot', () => ([waiting, isFull] = [1_000, true])],
  ['cannot ask Redis', () => ([waiting, isOut] = [1_000, true])],
])('a worker that %s is not suspected', async (_what, set) => {
  for (let n = 0; n < 100; n++) {
    set();
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(reopen).not.toHaveBeenCalled();
  expect(giveUp).not.toHaveBeenCalled();
});

it('the time without an answer of Redis does not count', async () => {
  [waiting, isOut] = [1_000, true];
  await vi.advanceTimersByTimeAsync(300_000);
  isOut = false;
  await vi.advanceTimersByTimeAsync(8_000);
  expect(reopen).not.toHaveBeenCalled();
});

it('a process that was paused while jobs waited starts its count again', async () => {
  waiting = 3;
  await vi.advanceTimersByTimeAsync(4_000);
  const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 602_000); // ten minutes have passed unseen
  await vi.advanceTimersByTimeAsync(2_000);
  now.mockRestore();
  expect([reopen.mock.calls.length, giveUp.mock.calls.length]).toEqual([0, 0]);
});
