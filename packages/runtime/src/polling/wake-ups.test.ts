/** When a worker is woken, while the clock of the machine is set. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { newTarget } from '../../test/poll-queue.ts';
import { prepareWallClock } from '../../test/wall-clock.ts';
import { createLog } from '../log.ts';
import { createWakeUps } from './wake-ups.ts';

const wallClock = prepareWallClock();
afterEach(() => vi.useRealTimers());

function openWakeUps(add: (jobId: string, delay: number | undefined) => void = () => undefined) {
  const first = Promise.withResolvers<void>();
  const woken: string[] = [];
  const queue = {
    async add(_name: string, _data: unknown, { jobId = '', delay }: { jobId?: string; delay?: number }) {
      woken.push(jobId);
      add(jobId, delay);
      first.resolve();
    },
  };
  const wakeUps = createWakeUps({ queueOf: () => queue as never, log: createLog('test', 'silent') }); // the one method that is used
  return { wakeUps, woken, first: first.promise };
}

describe('a wake-up', () => {
  it.each([-120_000, 7_200_000])('comes at its time while the clock is set by %i ms, and is never delayed by BullMQ', async (byMs) => {
    const delays: unknown[] = [];
    const { wakeUps, woken, first } = openWakeUps((_, delay) => void delays.push(delay));
    const target = newTarget();
    const before = performance.now();
    await wakeUps.wake(target, 50);
    wallClock.shift(byMs);
    await first;
    expect(performance.now() - before).toBeGreaterThanOrEqual(50);
    expect([woken, delays]).toEqual([[`poke-${target.sessionId}`], [undefined]]);
  });

  it('for now comes at once', async () => {
    const { wakeUps, woken } = openWakeUps();
    const target = newTarget();
    await wakeUps.wake(target, 0);
    expect(woken).toEqual([`poke-${target.sessionId}`]);
  });

  it('comes once for a session, and not if a request is under way or the time is far', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { wakeUps, woken } = openWakeUps();
    const target = newTarget();
    await wakeUps.wake(target, 20);
    await wakeUps.wake(target, 10);
    await wakeUps.wake(newTarget(), -1);
    await wakeUps.wake(newTarget(), 60_000);
    await vi.advanceTimersByTimeAsync(120_000); // a second one would come within this
    expect(woken).toEqual([`poke-${target.sessionId}`]);
  });

  it('does not come after the queue was closed', async () => {
    const { wakeUps, woken, first } = openWakeUps();
    await wakeUps.wake(newTarget(), 10);
    wakeUps.close();
    const other = newTarget();
    await wakeUps.wake(other, 30);
    await first;
    expect(woken).toEqual([`poke-${other.sessionId}`]);
  });
});
