import type { RefusedError } from '@qrcast/core/errors';
import { expect, it, vi } from 'vitest';
import { createOverviewSlots, MAX_OF_TENANT, MAX_STREAMS } from './overview-slots.ts';

const nobody = (): void => undefined;

function refusalOf(take: () => unknown): Pick<RefusedError, 'code' | 'retryAfterMs'> | null {
  try {
    take();
    return null;
  } catch (error) {
    const { code, retryAfterMs } = error as RefusedError;
    return { code, retryAfterMs };
  }
}

it('gives a tenant a few slots, and all of them anew when they are free again', () => {
  const slots = createOverviewSlots();
  const free = Array.from({ length: MAX_OF_TENANT }, () => slots.take('acme', nobody));
  expect(refusalOf(() => slots.take('acme', nobody))).toEqual({ code: 'too_many_requests', retryAfterMs: 1_000 });
  expect(refusalOf(() => slots.take('other', nobody))).toBeNull();
  free[0]?.();
  free[0]?.();
  expect(refusalOf(() => slots.take('acme', nobody))).toBeNull();
  expect(refusalOf(() => slots.take('acme', nobody))?.code).toBe('too_many_requests');
});

it('keeps some for the operator, whatever tenants take', () => {
  const slots = createOverviewSlots();
  const taken = (tenantOf: (i: number) => string | null): number =>
    Array.from({ length: 100 }, (_, i) => refusalOf(() => slots.take(tenantOf(i), nobody))).filter((one) => one === null).length;
  const byTenants = taken((i) => `tenant-${i}`);
  expect(refusalOf(() => slots.take('one-more', nobody))).toEqual({ code: 'unavailable', retryAfterMs: 1_000 });
  expect(byTenants).toBe(16);
  expect(taken(() => null)).toBe(MAX_STREAMS - byTenants);
});

it('asks each to leave once when the gateway stops, and takes no other', () => {
  const slots = createOverviewSlots();
  const [stays, left] = [vi.fn(), vi.fn()];
  slots.take('acme', left)();
  slots.take(null, stays);
  slots.drain();
  expect(stays).toHaveBeenCalledExactlyOnceWith(expect.any(Number));
  expect(left).not.toHaveBeenCalled();
  expect(refusalOf(() => slots.take(null, nobody))?.code).toBe('unavailable');
});
