import { expect, test } from 'vitest';
import type { Answer, Failure } from './answer.ts';
import { MAX_RETRY_AFTER_MS, readAnswer } from './answer.ts';
import { interpretAccount } from './answer-account.ts';
import { interpretLogout } from './answer-logout.ts';
import { interpretQr } from './answer-qr.ts';
import { interpretState } from './answer-state.ts';

const PAGE = '<html>\r\n<head><title>404 Not Found</title></head>\r\n<body><center>nginx</center></body></html>';
const REJECTED: Failure = { kind: 'refused', reason: 'credentials_rejected' };

function trouble(code: Extract<Failure, { kind: 'trouble' }>['code']): Failure {
  return { kind: 'trouble', code };
}

const FAILURES: readonly (readonly [status: number, body: string, expected: Failure])[] = [
  [200, '{"status":false,"reason":"instance is starting or not authorized"}', trouble('provider_not_ready')],
  [200, '{"status":false,"reason":"Instance is deleted"}', { kind: 'refused', reason: 'instance_deleted' }],
  [200, '{"status":false,"reason":"something new"}', trouble('provider_error')],
  [200, '{"code":401,"description":"Unauthorized"}', REJECTED],
  [200, '{"code":404,"description":"Not found"}', trouble('provider_error')],
  [200, '', trouble('provider_error')],
  [200, PAGE, trouble('provider_error')],
  [200, '{"type":"qrCode","mess', trouble('provider_error')],
  [200, '[]', trouble('provider_error')],
  [200, '"qrCode"', trouble('provider_error')],
  [200, 'true', trouble('provider_error')],
  [200, '{}', trouble('provider_error')],
  [204, '', trouble('provider_error')],
  [206, '{"type":"alreadyLogged","stateInstance":"authorized","isLogout":true}', trouble('provider_error')],
  [301, '', trouble('provider_error')],
  [302, PAGE, trouble('provider_error')],
  [307, '', trouble('provider_error')],
  [308, '', trouble('provider_error')],
  [400, 'instance in starting process try later', trouble('instance_starting')],
  [400, '{"message":"instance in starting process try later"}', trouble('instance_starting')],
  [400, 'instance is starting or not authorized', trouble('provider_not_ready')],
  [400, 'Instance account is expired. Renew your instance from personal area', { kind: 'refused', reason: 'instance_expired' }],
  [400, '"Instance is deleted"', { kind: 'refused', reason: 'instance_deleted' }],
  [400, 'bad request data', trouble('provider_error')],
  [400, 'Bad Request Validation failed', trouble('provider_error')],
  [400, 'Validation failed. Details: message is required', trouble('provider_error')],
  [400, 'Unexpected token _ in JSON at position 1', trouble('provider_error')],
  [400, 'Message cannot be received because custom webhook url is set', trouble('provider_error')],
  [400, '', trouble('provider_error')],
  [401, '', REJECTED],
  [401, '{"message":"Unauthorized"}', REJECTED],
  [403, PAGE, REJECTED],
  [403, '', REJECTED],
  [403, 'Your account is suspended', trouble('provider_refused')],
  [403, '{"message":"Your account is suspended"}', trouble('provider_refused')],
  [404, PAGE, REJECTED],
  [404, '\n<!DOCTYPE html>', REJECTED],
  [404, '', REJECTED],
  [404, '{"code":404,"description":"Not found"}', trouble('provider_error')],
  [405, PAGE, trouble('provider_error')],
  [408, '', trouble('provider_timeout')],
  [413, PAGE, trouble('provider_error')],
  [429, '', trouble('rate_limited')],
  [429, PAGE, trouble('rate_limited')],
  [466, '{"invokeStatus":{"method":"qr","used":3,"total":3,"status":"QUOTE_EXCEEDED"}}', trouble('provider_refused')],
  [469, 'User get contact info limit reached', trouble('provider_refused')],
  [499, '', trouble('provider_timeout')],
  [500, '{"message":"Internal Server Error"}', trouble('provider_error')],
  [502, PAGE, trouble('provider_error')],
  [503, PAGE, trouble('provider_error')],
  [504, PAGE, trouble('provider_timeout')],
  [599, '', trouble('provider_error')],
];

const INTERPRETERS = { interpretQr, interpretState, interpretAccount, interpretLogout };

for (const [name, interpret] of Object.entries(INTERPRETERS)) {
  test.each(FAILURES)(`${name}: %i %j`, (status, body, expected) => {
    expect(interpret(answerOf(status, body))).toEqual(expected);
  });
}

test('a long page is not searched for error texts', () => {
  expect(readAnswer(answerOf(400, `${' '.repeat(5_000)}Instance is deleted`))).toEqual(trouble('provider_error'));
});

const DATE = 'Thu, 08 Oct 2026 12:00:00 GMT';

test.each([
  [{ 'retry-after': '7' }, 7_000],
  [{ 'retry-after': ' 7 ' }, 7_000],
  [{ 'retry-after': ['3', '9'] }, 3_000],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': '86400' }, MAX_RETRY_AFTER_MS],
  [{ 'retry-after': '9'.repeat(400) }, MAX_RETRY_AFTER_MS],
  [{ 'retry-after': 'Thu, 08 Oct 2026 12:00:30 GMT', date: DATE }, 30_000],
  [{ 'retry-after': 'Thu, 08 Oct 2026 11:00:00 GMT', date: DATE }, 0],
  [{ 'retry-after': 'Fri, 09 Oct 2026 12:00:00 GMT', date: DATE }, MAX_RETRY_AFTER_MS],
  [{ 'retry-after': 'Thu, 08 Oct 2026 12:00:30 GMT' }, undefined],
  [{ 'retry-after': '2026', date: 'soon' }, 2_026_000],
  [{ 'retry-after': '-5' }, undefined],
  [{ 'retry-after': '1.5' }, undefined],
  [{ 'retry-after': '' }, undefined],
  [{ 'retry-after': 'tomorrow', date: DATE }, undefined],
  [{ date: DATE }, undefined],
])('429 and 503 with %j wait %s ms', (headers, retryAfterMs) => {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  expect(readAnswer({ status: 429, headers, body: '' })).toEqual({ kind: 'trouble', code: 'rate_limited', ...wait });
  expect(readAnswer({ status: 503, headers, body: '' })).toEqual({ kind: 'trouble', code: 'provider_error', ...wait });
});

function answerOf(status: number, body: string): Answer {
  return { status, headers: {}, body };
}
