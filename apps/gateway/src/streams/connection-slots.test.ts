import { RefusedError } from '@qrcast/core/errors';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ConnectionSlots, createConnectionSlots } from './connection-slots.ts';
import { createStreamMeters } from './stream-meters.ts';

const MAX_ANONYMOUS = 5;
const GROUP = '203.0.113.7';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function refusal(slots: ConnectionSlots): RefusedError {
  try {
    slots.take('sse', () => undefined);
  } catch (error) {
    if (error instanceof RefusedError) return error;
  }
  return expect.unreachable('there was a free slot');
}

describe('slots', () => {
  it('admits as many connections as there are slots, and one more for each that leaves', () => {
    const slots = createConnectionSlots(2, MAX_ANONYMOUS, createStreamMeters(createMeters()));
    const [leave] = [slots.take('sse', () => undefined), slots.take('sse', () => undefined)];
    expect(refusal(slots)).toMatchObject({ code: 'unavailable', retryAfterMs: 1_000 });
    leave?.();
    leave?.(); // the second call frees nothing
    slots.take('sse', () => undefined);
    expect(refusal(slots).code).toBe('unavailable');
  });

  const nothing = (): void => undefined;

  it('gives an anonymous connection a slot with its ticket, neither before nor after its end', () => {
    const slots = createConnectionSlots(1, MAX_ANONYMOUS, createStreamMeters(createMeters()));
    const [anonymous, other, gone] = [0, 1, 2].map(() => slots.openAnonymous('websocket', GROUP, nothing, nothing));
    slots.take('sse', nothing)();
    anonymous?.takeSlot();
    anonymous?.takeSlot(); // with another ticket
    expect(() => other?.takeSlot()).toThrow('as many connections');
    expect(refusal(slots).code).toBe('unavailable');
    anonymous?.end();
    gone?.end();
    gone?.takeSlot(); // its ticket was being checked when it ended
    other?.takeSlot();
    expect(refusal(slots).code).toBe('unavailable');
  });

  it('cuts the oldest of too many anonymous connections, and none that has a slot or has ended', () => {
    const slots = createConnectionSlots(2, MAX_ANONYMOUS, createStreamMeters(createMeters()));
    const cut: number[] = [];
    const all = Array.from({ length: MAX_ANONYMOUS }, (_, i) => slots.openAnonymous('websocket', GROUP, nothing, () => cut.push(i)));
    all[0]?.takeSlot();
    all[1]?.end();
    for (let i = 0; i < 2; i++) slots.openAnonymous('websocket', GROUP, nothing, nothing);
    expect(cut).toEqual([]);
    for (let i = 0; i < 2; i++) slots.openAnonymous('websocket', GROUP, nothing, nothing);
    expect(cut).toEqual([2, 3]);
  });

  it.each([
    ['spares the connection of another address than the many', '203.0.113.8', []],
    ['(control) cuts that connection as the oldest if all have one address', GROUP, ['lone']],
  ])('%s', (_what, group, lost) => {
    const slots = createConnectionSlots(1, MAX_ANONYMOUS, createStreamMeters(createMeters()));
    const cut: string[] = [];
    const anonymous = slots.openAnonymous('websocket', group, nothing, () => cut.push('lone'));
    for (let i = 0; i < 1_000; i++) slots.openAnonymous('websocket', GROUP, nothing, () => cut.push('one of many'));
    expect(cut).toHaveLength(1_001 - MAX_ANONYMOUS);
    expect(cut.filter((one) => one === 'lone')).toEqual(lost);
    anonymous.takeSlot();
    anonymous.end();
  });

  it('evicts a connection of the largest address for one of another address when the pool is full', () => {
    const slots = createConnectionSlots(1, MAX_ANONYMOUS, createStreamMeters(createMeters()));
    const cut: number[] = [];
    for (let i = 0; i < MAX_ANONYMOUS; i++) slots.openAnonymous('websocket', GROUP, nothing, () => cut.push(i));
    for (let i = 0; i < 2; i++)
      slots.openAnonymous('websocket', '203.0.113.8', nothing, () => expect.unreachable('there are more of the others'));
    expect(cut).toEqual([0, 1]);
  });

  it('tells anonymous connections to leave when it drains, and admits no others', async () => {
    const slots = createConnectionSlots(2, MAX_ANONYMOUS, createStreamMeters(createMeters()));
    const told: number[] = [];
    const anonymous = slots.openAnonymous('websocket', GROUP, (retryAfterMs) => told.push(retryAfterMs), nothing);
    await slots.drain(1_000);
    expect(told).toEqual([expect.any(Number)]);
    expect(() => slots.openAnonymous('websocket', GROUP, nothing, nothing)).toThrow('stopping');
    expect(() => anonymous.takeSlot()).toThrow('stopping');
  });

  it('admits nobody during the drain, spreads the requests to leave, and resolves when all have left', async () => {
    const slots = createConnectionSlots(10, MAX_ANONYMOUS, createStreamMeters(createMeters()));
    const startedAt = Date.now();
    const told: number[] = [];
    for (let i = 0; i < 4; i++) {
      const leave = slots.take('sse', (retryAfterMs) => {
        told.push(Date.now() - startedAt);
        expect(retryAfterMs).toBeGreaterThanOrEqual(0);
        expect(retryAfterMs).toBeLessThanOrEqual(1_000);
        setTimeout(leave, 50);
      });
    }
    const gone = slots.take('sse', () => expect.unreachable('it has left'));
    gone();
    const drained = slots.drain(1_000);
    expect(slots.isDraining()).toBe(true);
    expect(refusal(slots).message).toContain('stopping');
    await vi.runAllTimersAsync();
    await drained;
    expect(told).toEqual([0, 250, 500, 750]);
    expect(Date.now() - startedAt).toBe(800);
  });

  it('does not ask a connection to leave that has already left', async () => {
    const slots = createConnectionSlots(10, MAX_ANONYMOUS, createStreamMeters(createMeters()));
    const leaveFirst = slots.take('sse', () => leaveFirst());
    const leaveSecond = slots.take('sse', () => expect.unreachable('it has left'));
    const drained = slots.drain(1_000);
    leaveSecond();
    await vi.runAllTimersAsync();
    await drained;
  });

  it('spreads the retry hints', async () => {
    const slots = createConnectionSlots(100, MAX_ANONYMOUS, createStreamMeters(createMeters()));
    const hints = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const leave = slots.take('sse', (retryAfterMs) => {
        hints.add(retryAfterMs);
        leave();
      });
    }
    const drained = slots.drain(0);
    await vi.runAllTimersAsync();
    await drained;
    expect(hints.size).toBeGreaterThan(10);
  });
});
