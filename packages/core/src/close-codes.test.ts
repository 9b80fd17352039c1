import { expect, test } from 'vitest';
import { CLOSE_CODES, type CloseReason, closeReasonOf, isRetryableClose, toClosing } from './close-codes.ts';
import { ERRORS, type ErrorCode } from './errors.ts';

/** The published contract: a number or a side that changes here breaks clients in the field. */
const CONTRACT: Record<CloseReason, readonly [number, boolean]> = {
  done: [1000, false],
  draining: [1012, true],
  unavailable: [4000, true],
  slow_consumer: [4001, true],
  too_many_requests: [4002, true],
  invalid_message: [4500, false],
  unauthenticated: [4501, false],
  forbidden: [4503, false],
  not_found: [4504, false],
  session_expired: [4505, false],
  ticket_expired: [4506, false],
  ticket_revoked: [4507, false],
  subscribe_timeout: [4508, false],
  message_too_large: [4509, false],
};
const reasons = Object.keys(CONTRACT) as CloseReason[];

test.each(reasons)('%s', (reason) => {
  expect([CLOSE_CODES[reason], isRetryableClose(reason)]).toEqual(CONTRACT[reason]);
});

test('every number is unique and may be sent, and every word fits into a close frame', () => {
  expect(new Set(Object.values(CLOSE_CODES)).size).toBe(reasons.length);
  for (const number of Object.values(CLOSE_CODES))
    expect(number === 1000 || number === 1012 || (number >= 4000 && number < 5000)).toBe(true);
  for (const reason of reasons) expect(Buffer.byteLength(reason)).toBeLessThan(124);
});

test('the closing event says the same, with the hint only if there is one', () => {
  expect(toClosing('draining', 1_500)).toEqual({ code: 'draining', number: 1012, retryable: true, retryAfterMs: 1_500 });
  expect(toClosing('draining', 0)).toEqual({ code: 'draining', number: 1012, retryable: true, retryAfterMs: 0 });
  expect(Object.keys(toClosing('done'))).toEqual(['code', 'number', 'retryable']);
});

/** The refusals of a first subscription that end the stream. After any other, the client may send a better one. */
const CLOSING: Partial<Record<ErrorCode, CloseReason>> = {
  unauthenticated: 'unauthenticated',
  forbidden: 'forbidden',
  origin_not_allowed: 'forbidden',
  not_found: 'not_found',
  session_expired: 'session_expired',
  too_many_requests: 'too_many_requests',
  tenant_limit_reached: 'too_many_requests',
  unavailable: 'unavailable',
};

test.each(Object.keys(ERRORS) as ErrorCode[])('a first subscription that is refused with %s', (code) => {
  expect(closeReasonOf(code)).toBe(CLOSING[code] ?? null);
});
