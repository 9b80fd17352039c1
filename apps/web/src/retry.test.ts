import { describe, expect, it } from 'vitest';
import { BACKOFF, parseRefusal, retryDelayMs } from './retry.ts';

describe('retry delay', () => {
  it('spreads over the whole of a doubling, capped time', () => {
    expect(retryDelayMs(0, 0, 0)).toBe(0);
    expect(retryDelayMs(0, 0, 0.5)).toBe(BACKOFF.baseMs / 2);
    expect(retryDelayMs(2, 0, 0.5)).toBe(BACKOFF.baseMs * 2);
    expect(retryDelayMs(60, 0, 0.5)).toBe(BACKOFF.capMs / 2);
  });

  it('never comes before the hint of the server', () => {
    expect(retryDelayMs(0, 4_000, 0)).toBe(4_000);
    expect(retryDelayMs(0, 4_000, 0.5)).toBe(4_000 + BACKOFF.baseMs / 2);
  });
});

describe('refusal', () => {
  it.each(['unauthenticated', 'forbidden', 'not_found', 'session_expired', 'ticket_expired', 'ticket_revoked', 'origin_not_allowed'])(
    '%s is final, whatever else it says',
    (code) => {
      expect(parseRefusal({ code, retryable: true })).toEqual({ code, isRetryable: false, retryAfterMs: 0 });
    },
  );

  it.each(['unavailable', 'too_many_requests', 'draining'])('%s is worth another try, not before its hint', (code) => {
    expect(parseRefusal({ code, retryAfterMs: 2_500 })).toEqual({ code, isRetryable: true, retryAfterMs: 2_500 });
  });

  it('tries again after a network failure and after an unknown refusal, unless told not to', () => {
    expect(parseRefusal(undefined).isRetryable).toBe(true);
    expect(parseRefusal(null).isRetryable).toBe(true);
    expect(parseRefusal({ code: 'tenant_limit_reached', retryable: true })).toMatchObject({ code: 'unknown', isRetryable: true });
    expect(parseRefusal({ code: 'something_new', retryable: false })).toMatchObject({ code: 'unknown', isRetryable: false });
  });
});
