import { expect, test } from 'vitest';
import { created, NOW } from '../test/fixtures.ts';
import { ERRORS, type ErrorCode, NO_SUCH_SESSION, noSuchSession, problemSchema, RefusedError, toProblem, toStreamError } from './errors.ts';
import { toWire } from './wire.ts';

/** The published contract: status, and whether the same call may succeed later. */
const CONTRACT: Record<ErrorCode, readonly [number, boolean]> = {
  invalid_request: [400, false],
  unauthenticated: [401, false],
  forbidden: [403, false],
  origin_not_allowed: [403, false],
  upstream_not_allowed: [403, false],
  not_found: [404, false],
  no_code: [404, true],
  not_resumable: [409, false],
  not_waiting_for_password: [409, false],
  attempt_live: [409, true],
  credentials_gone: [409, false],
  webhook_url_differs: [409, false],
  webhook_busy: [409, true],
  public_url_unknown: [409, false],
  session_expired: [410, false],
  body_too_large: [413, false],
  unsupported_media_type: [415, false],
  password_rejected: [422, true],
  too_many_requests: [429, true],
  tenant_limit_reached: [429, true],
  unavailable: [503, true],
};
const codes = Object.keys(CONTRACT) as ErrorCode[];

test.each(codes)('%s', (code) => {
  const problem = toProblem(new RefusedError(code, 'what came, and what to do'));
  const [status, retryable] = CONTRACT[code];
  expect(problem).toStrictEqual({
    type: `urn:qrcast:error:${code}`,
    title: ERRORS[code].title,
    status,
    detail: 'what came, and what to do',
    code,
    retryable,
  });
  expect(problemSchema.parse(problem)).toEqual(problem);
  expect(toStreamError(new RefusedError(code, 'why'))).toStrictEqual({ code, detail: 'why', retryable });
});

test('the answer has a hint only if there is one, even if it is zero', () => {
  expect(toProblem(new RefusedError('unavailable', 'later', { retryAfterMs: 0 })).retryAfterMs).toBe(0);
  expect('retryAfterMs' in toProblem(new RefusedError('unavailable', 'later'))).toBe(false);
});

test('a session that is not there is not found', () => {
  expect(noSuchSession()).toMatchObject({ code: 'not_found', message: NO_SUCH_SESSION });
});

test('the limit and the session that explain a refusal are told, and only if there are any', () => {
  const session = toWire(created(), { image: null, viewers: 0, now: NOW });
  const refused = new RefusedError('attempt_live', 'wait', { limit: 'viewers', session });
  expect(problemSchema.parse(toProblem(refused))).toMatchObject({ limit: 'viewers', session });
  expect(toStreamError(refused)).toEqual({ code: 'attempt_live', detail: 'wait', retryable: true, limit: 'viewers' });
});

test('the cause is for the operator, and reaches no caller', () => {
  const refused = new RefusedError('unavailable', 'try again', { cause: new Error('connect 10.0.0.1 token-of-somebody') });
  expect(refused).toBeInstanceOf(Error);
  expect(refused.name).toBe('RefusedError');
  expect(refused.cause).toBeInstanceOf(Error);
  expect(JSON.stringify([toProblem(refused), toStreamError(refused)])).not.toContain('token-of-somebody');
});
