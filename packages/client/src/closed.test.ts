import { CLOSE_CODES, type CloseReason, closeReasonOf, isRetryableClose, toClosing } from '@qrcast/core/close-codes';
import { ERRORS, type ErrorCode, RefusedError, toProblem, toStreamError } from '@qrcast/core/errors';
import { describe, expect, it } from 'vitest';
import { closedByNumber, LOST, parseClosed, parseDraining } from './closed.ts';

const REASONS = Object.keys(CLOSE_CODES) as CloseReason[];
/** Refusals a stream or a request for one can meet. */
const ERROR_CODES = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => closeReasonOf(code) !== null || code === 'invalid_request');

describe('the reason of a close', () => {
  it.each(REASONS)('%s is known by its number and its word, and reconnects as the protocol says', (reason) => {
    const expected = { code: reason, retryable: isRetryableClose(reason) };
    expect(closedByNumber(CLOSE_CODES[reason])).toMatchObject(expected);
    expect(parseClosed(toClosing(reason, 700))).toEqual({ ...expected, detail: null, retryAfterMs: 700 });
    expect(parseClosed({ code: reason, retryable: !expected.retryable })).toMatchObject(expected);
  });

  it.each(ERROR_CODES)('the refusal %s is known, and reconnects as the protocol says', (code) => {
    const refused = new RefusedError(code, 'why', { retryAfterMs: 1_200 });
    const { retryable } = ERRORS[code];
    expect(parseClosed(toProblem(refused))).toEqual({ code, detail: 'why', retryable, retryAfterMs: 1_200 });
    expect(parseClosed(toStreamError(refused))).toEqual({ code, detail: 'why', retryable, retryAfterMs: 1_200 });
    expect(parseClosed({ code, retryable: !retryable })).toMatchObject({ code, retryable });
  });

  it.each([
    [4_042, true],
    [4_499, true],
    [4_510, false],
    [4_999, false],
  ])('%i is unknown, so its range decides whether to reconnect', (number, retryable) => {
    expect(closedByNumber(number)).toEqual({ code: 'unknown', detail: null, retryable, retryAfterMs: 0 });
    expect(parseClosed({ code: 'something_new', number, retryable: !retryable })).toMatchObject({ code: 'unknown', retryable });
  });

  it.each([1001, 1005, 1006, 1008, 1011, 1013, 3_000])('%i counts as a network failure and reconnects', (number) => {
    expect(closedByNumber(number)).toEqual(LOST);
  });

  it('follows the flag of an unknown refusal, and reconnects without a flag', () => {
    expect(parseClosed({ code: 'something_new', retryable: false })).toMatchObject({ code: 'unknown', retryable: false });
    expect(parseClosed({ code: 'something_new' })).toMatchObject({ code: 'unknown', retryable: true });
  });

  it.each([undefined, null, 'done', 17, {}, { code: 1000 }, []])('is null for %j', (value) => {
    expect(parseClosed(value)).toBeNull();
  });

  it.each([-5, '700', Number.NaN, null])('reads no hint from %j', (retryAfterMs) => {
    expect(parseClosed({ code: 'unavailable', retryAfterMs })?.retryAfterMs).toBe(0);
  });

  it('reads a hint that is too large for a number, which is later ignored', () => {
    expect(parseClosed(JSON.parse('{"code": "unavailable", "retryAfterMs": 1e999}'))?.retryAfterMs).toBe(Number.POSITIVE_INFINITY);
    expect(parseDraining({ retryAfterMs: 2_592_000_000 }).retryAfterMs).toBe(2_592_000_000);
  });

  it('keeps the hint of a draining message, if there is one', () => {
    expect(parseDraining({ retryAfterMs: 300 })).toEqual({ code: 'draining', detail: null, retryable: true, retryAfterMs: 300 });
    expect(parseDraining(undefined)).toEqual({ code: 'draining', detail: null, retryable: true, retryAfterMs: 0 });
  });
});
