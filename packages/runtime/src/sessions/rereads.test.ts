import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRereads, REREADS_AT_ONCE } from './rereads.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Reads that end when the test says so. */
function openReads() {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  return {
    begun,
    read: (item: number): Promise<void> => {
      begun.push(item);
      return new Promise((resolve) => ends.push(resolve));
    },
    async endNext(count: number): Promise<void> {
      for (const end of ends.splice(0, count)) end();
      await vi.advanceTimersByTimeAsync(0);
    },
  };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('reads after a reset', () => {
  it('begin at a random moment, so that not all processes begin at once', async () => {
    const starts: number[] = [];
    for (const random of [0, 0.5, 0.999]) {
      const beganAt = Date.now();
      const rereads = createRereads(async () => void starts.push(Date.now() - beganAt), { random: () => random });
      rereads.addAfterReset([1]);
      await vi.runAllTimersAsync();
    }
    expect(starts).toEqual([0, 250, 499]);
  });

  it('are bounded, and each ends before another begins', async () => {
    const { begun, read, endNext } = openReads();
    const rereads = createRereads(read);
    rereads.addAfterReset(numbers(250));
    await vi.runAllTimersAsync();
    expect(begun).toHaveLength(REREADS_AT_ONCE);
    await endNext(1);
    expect(begun).toHaveLength(REREADS_AT_ONCE + 1);
    for (let i = 0; i < 3; i++) await endNext(REREADS_AT_ONCE);
    expect(begun).toEqual(numbers(250));
  });

  it('are begun anew by a second reset, still within the bound', async () => {
    const { begun, read, endNext } = openReads();
    const rereads = createRereads(read, { atOnce: 2 });
    for (let reset = 0; reset < 2; reset++) {
      rereads.addAfterReset(numbers(4));
      await vi.runAllTimersAsync();
    }
    expect(begun).toEqual([0, 1]);
    for (let i = 0; i < 6; i++) await endNext(1);
    expect(begun.toSorted()).toEqual([0, 0, 1, 1, 2, 3]); // what was under way may be from before the reset
  });

  it('leave out who has left, and end with the process', async () => {
    const { begun, read, endNext } = openReads();
    const rereads = createRereads(read, { atOnce: 1 });
    rereads.add(numbers(4));
    rereads.forget(1);
    await endNext(1);
    expect(begun).toEqual([0, 2]);
    rereads.addAfterReset(numbers(4));
    rereads.close();
    await endNext(1);
    expect(begun).toEqual([0, 2]);
  });
});
