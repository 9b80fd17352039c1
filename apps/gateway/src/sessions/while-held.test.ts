import type { Busy, InstanceHold } from '@qrcast/runtime/polling/instance-hold';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { whileHeld } from './while-held.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An instance whose request under way has a lease of 6 s, extended again and again until `endsAfterMs`. */
function busyFor(endsAfterMs: number, busy: Partial<Busy> = {}) {
  const endsAt = performance.now() + endsAfterMs;
  const released: (number | undefined)[] = [];
  const hold: InstanceHold = { kind: 'held', startedAt: 0, release: async (retryAfterMs) => void released.push(retryAfterMs) };
  const take = async (): Promise<Busy | InstanceHold> =>
    performance.now() < endsAt ? { kind: 'busy', freeInMs: 6_000, isHeldOff: false, ...busy } : hold;
  return { released, holds: { take } };
}

it.each([0, 100, 5_900, 9_900])('runs as soon as a request of %i ms has ended, whatever is left of its lease', async (ms) => {
  const { holds, released } = busyFor(ms);
  const began = performance.now();
  const run = vi.fn(async () => performance.now() - began);
  const result = whileHeld(holds, 'key', 10_000, run);
  await vi.advanceTimersByTimeAsync(ms + 100);
  expect(await result).toBeLessThanOrEqual(ms + 100);
  expect(released).toEqual([0]);
});

it('is refused if the request lasts longer', async () => {
  const { holds, released } = busyFor(60_000);
  const result = expect(whileHeld(holds, 'key', 10_000, async () => undefined)).rejects.toMatchObject({ code: 'too_many_requests' });
  await vi.advanceTimersByTimeAsync(10_100);
  await result;
  expect(released).toEqual([]);
});

it('is refused at once while a Retry-After holds', async () => {
  const { holds } = busyFor(60_000, { freeInMs: 30_000, isHeldOff: true });
  await expect(whileHeld(holds, 'key', 10_000, async () => undefined)).rejects.toMatchObject({ retryAfterMs: 30_000 });
});

it('keeps the Retry-After, also if the run fails', async () => {
  const { holds, released } = busyFor(0);
  const failing = whileHeld(holds, 'key', 10_000, async (keepRetryAfter) => {
    keepRetryAfter(7_000);
    throw new Error('failed');
  });
  await expect(failing).rejects.toThrow('failed');
  expect(released).toEqual([7_000]);
});
