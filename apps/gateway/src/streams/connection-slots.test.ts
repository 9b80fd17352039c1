import { RefusedError } from '@qrcast/core/errors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Admission, createAdmission } from './connection-slots.ts';

const MAX_GUESTS = 5;
const GROUP = '203.0.113.7';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function refusal(admission: Admission): RefusedError {
  try {
    admission.enter(() => undefined);
  } catch (error) {
    if (error instanceof RefusedError) return error;
  }
  return expect.unreachable('there was a place');
}

describe('admission', () => {
  it('lets in as many as there are places, and another for each that leaves', () => {
    const admission = createAdmission(2, MAX_GUESTS);
    const [leave] = [admission.enter(() => undefined), admission.enter(() => undefined)];
    expect(refusal(admission)).toMatchObject({ code: 'unavailable', retryAfterMs: 1_000 });
    leave?.();
    leave?.(); // once is enough
    admission.enter(() => undefined);
    expect(refusal(admission).code).toBe('unavailable');
  });

  const nothing = (): void => undefined;

  it('gives guests no place before they enter, one then, and none once they have left', () => {
    const admission = createAdmission(1, MAX_GUESTS);
    const [guest, other, gone] = [0, 1, 2].map(() => admission.welcome(GROUP, nothing, nothing));
    admission.enter(nothing)();
    guest?.enter();
    guest?.enter(); // with another ticket
    expect(() => other?.enter()).toThrow('as many connections');
    expect(refusal(admission).code).toBe('unavailable');
    guest?.leave();
    gone?.leave();
    gone?.enter(); // its ticket was being looked at when it went
    other?.enter();
    expect(refusal(admission).code).toBe('unavailable');
  });

  it('cuts the oldest guest where there are too many, and none that has entered or left', () => {
    const admission = createAdmission(2, MAX_GUESTS);
    const cut: number[] = [];
    const guests = Array.from({ length: MAX_GUESTS }, (_, i) => admission.welcome(GROUP, nothing, () => cut.push(i)));
    guests[0]?.enter();
    guests[1]?.leave();
    for (let i = 0; i < 2; i++) admission.welcome(GROUP, nothing, nothing);
    expect(cut).toEqual([]);
    for (let i = 0; i < 2; i++) admission.welcome(GROUP, nothing, nothing);
    expect(cut).toEqual([2, 3]);
  });

  it.each([
    ['leaves alone a guest of another address than the many', '203.0.113.8', []],
    ['(twin) cuts it as the oldest where all have one address', GROUP, ['lone']],
  ])('%s', (_what, group, lost) => {
    const admission = createAdmission(1, MAX_GUESTS);
    const cut: string[] = [];
    const guest = admission.welcome(group, nothing, () => cut.push('lone'));
    for (let i = 0; i < 1_000; i++) admission.welcome(GROUP, nothing, () => cut.push('one of many'));
    expect(cut).toHaveLength(1_001 - MAX_GUESTS);
    expect(cut.filter((one) => one === 'lone')).toEqual(lost);
    guest.enter();
    guest.leave();
  });

  it('gives room to a guest of another address where the many have it all', () => {
    const admission = createAdmission(1, MAX_GUESTS);
    const cut: number[] = [];
    for (let i = 0; i < MAX_GUESTS; i++) admission.welcome(GROUP, nothing, () => cut.push(i));
    for (let i = 0; i < 2; i++) admission.welcome('203.0.113.8', nothing, () => expect.unreachable('there are more of the others'));
    expect(cut).toEqual([0, 1]);
  });

  it('tells guests to leave when it drains, and welcomes nobody', async () => {
    const admission = createAdmission(2, MAX_GUESTS);
    const told: number[] = [];
    const guest = admission.welcome(GROUP, (retryAfterMs) => told.push(retryAfterMs), nothing);
    await admission.drain(1_000);
    expect(told).toEqual([expect.any(Number)]);
    expect(() => admission.welcome(GROUP, nothing, nothing)).toThrow('stopping');
    expect(() => guest.enter()).toThrow('stopping');
  });

  it('drains: nobody enters, all are told over the time there is, and it is done when they have left', async () => {
    const admission = createAdmission(10, MAX_GUESTS);
    const startedAt = Date.now();
    const told: number[] = [];
    for (let i = 0; i < 4; i++) {
      const leave = admission.enter((retryAfterMs) => {
        told.push(Date.now() - startedAt);
        expect(retryAfterMs).toBeGreaterThanOrEqual(0);
        expect(retryAfterMs).toBeLessThanOrEqual(1_000);
        setTimeout(leave, 50);
      });
    }
    const gone = admission.enter(() => expect.unreachable('it has left'));
    gone();
    const drained = admission.drain(1_000);
    expect(admission.isDraining()).toBe(true);
    expect(refusal(admission).message).toContain('stopping');
    await vi.runAllTimersAsync();
    await drained;
    expect(told).toEqual([0, 250, 500, 750]);
    expect(Date.now() - startedAt).toBe(800);
  });

  it('tells nobody who leaves by himself during the drain', async () => {
    const admission = createAdmission(10, MAX_GUESTS);
    const leaveFirst = admission.enter(() => leaveFirst());
    const leaveSecond = admission.enter(() => expect.unreachable('it has left'));
    const drained = admission.drain(1_000);
    leaveSecond();
    await vi.runAllTimersAsync();
    await drained;
  });

  it('spreads the hints', async () => {
    const admission = createAdmission(100, MAX_GUESTS);
    const hints = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const leave = admission.enter((retryAfterMs) => {
        hints.add(retryAfterMs);
        leave();
      });
    }
    const drained = admission.drain(0);
    await vi.runAllTimersAsync();
    await drained;
    expect(hints.size).toBeGreaterThan(10);
  });
});
