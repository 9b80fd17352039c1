import { describe, expect, test } from 'vitest';
import type { NoticeCode } from './outcome.ts';
import {
  DEFAULT_POLICY,
  followUpAt,
  isFault,
  MAX_BACKOFF_MS,
  MIN_SPACING_MS,
  nextSlotAt,
  type Policy,
  type Retry,
  retryDelay,
} from './schedule.ts';

const policy: Policy = { intervalMs: 5_000, codeTtlMs: 20_000, attemptMs: 180_000 };
const ALMOST_ONE = 1 - Number.EPSILON;
const delay = (retry: Partial<Retry>) => retryDelay(policy, { code: 'provider_error', failures: 1, jitter: 0, ...retry });

describe('retryDelay', () => {
  const notYet = ['instance_starting', 'provider_not_ready', 'provider_refused'] as const;

  test.each(notYet)('%s keeps the interval, whatever the jitter and the failures', (code) => {
    expect(isFault(code)).toBe(false);
    expect(delay({ code, failures: 7, jitter: ALMOST_ONE })).toBe(5_000);
  });

  const backsOff: readonly NoticeCode[] = ['provider_timeout', 'provider_unreachable', 'provider_error', 'rate_limited'];

  test.each(backsOff)('%s backs off: the range doubles from one interval to the cap', (code) => {
    const range = (failures: number) => [delay({ code, failures }), delay({ code, failures, jitter: ALMOST_ONE })];
    expect(range(1)).toEqual([5_000, 5_000]);
    expect(range(2)).toEqual([5_000, 10_000]);
    expect(range(3)).toEqual([5_000, 20_000]);
    expect(range(4)).toEqual([5_000, MAX_BACKOFF_MS]);
    expect(range(1_000)).toEqual([5_000, MAX_BACKOFF_MS]);
  });

  test('jitter spreads evenly over the range, in whole milliseconds', () => {
    expect(delay({ failures: 3, jitter: 0.5 })).toBe(12_500);
    expect(Number.isInteger(delay({ failures: 3, jitter: 1 / 3 }))).toBe(true);
  });

  test('Retry-After can only lengthen the delay', () => {
    expect(delay({ code: 'rate_limited', retryAfterMs: 60_000 })).toBe(60_000);
    expect(delay({ code: 'provider_not_ready', retryAfterMs: 60_000 })).toBe(60_000);
    expect(delay({ code: 'rate_limited', retryAfterMs: 10 })).toBe(5_000);
    expect(delay({ failures: 3, retryAfterMs: 60_000, jitter: ALMOST_ONE })).toBeGreaterThanOrEqual(60_000);
  });

  test('an interval beyond the cap is still the floor', () => {
    const patient = { ...policy, intervalMs: 45_000 };
    expect(retryDelay(patient, { code: 'provider_error', failures: 5, jitter: ALMOST_ONE })).toBe(45_000);
  });
});

describe('due times', () => {
  test('follow-up: at once, but never within the spacing', () => {
    expect(followUpAt(1_000, 1_200)).toBe(1_000 + MIN_SPACING_MS);
    expect(followUpAt(1_000, 9_000)).toBe(9_000);
  });

  test('slot: one interval after the request started, or at once when the answer took longer', () => {
    expect(nextSlotAt(policy, 1_000, 1_200)).toBe(6_000);
    expect(nextSlotAt(policy, 1_000, 5_900)).toBe(6_000);
    expect(nextSlotAt(policy, 1_000, 61_000)).toBe(61_000);
  });

  test('slot: never within the spacing, even for an interval below it', () => {
    expect(nextSlotAt({ ...policy, intervalMs: 100 }, 1_000, 1_050)).toBe(1_000 + MIN_SPACING_MS);
  });

  test('by default a code outlives two missed polls, and requests are spaced', () => {
    expect(DEFAULT_POLICY.intervalMs).toBeGreaterThanOrEqual(MIN_SPACING_MS);
    expect(DEFAULT_POLICY.codeTtlMs).toBeGreaterThan(3 * DEFAULT_POLICY.intervalMs);
  });
});
