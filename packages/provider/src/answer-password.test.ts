import type { PasswordOutcome, TroubleCode } from '@qrcast/core/outcome';
import { expect, test } from 'vitest';
import { interpretPassword } from './answer-password.ts';

const ACCEPTED: PasswordOutcome = { kind: 'accepted' };
const LIMITED: PasswordOutcome = { kind: 'rejected', code: 'password_rate_limited' };

test.each<readonly [data: unknown, expected: PasswordOutcome]>([
  [{ status: 'success', reason: '' }, ACCEPTED],
  [{ status: 'success' }, ACCEPTED],
  [{ status: 'fail', reason: 'already_registered' }, ACCEPTED],
  [
    { status: 'fail', reason: 'invalid_password' },
    { kind: 'rejected', code: 'password_rejected' },
  ],
  [{ status: 'fail', reason: 'rate_limit_exceeded' }, LIMITED],
  [{ status: 'fail', reason: 'attempts_exceeded' }, LIMITED],
  [{ status: 'fail', reason: 'authorization_not_started' }, { kind: 'notExpected' }],
  [{ status: 'fail', reason: 'time_limit_expired_logout' }, { kind: 'notExpected' }],
  [{ status: 'fail', reason: 'timeout' }, trouble('provider_timeout')],
  [{ status: 'fail', reason: 'something_new' }, trouble('provider_refused')],
  [{ status: 'fail', reason: '' }, trouble('provider_refused')],
  [{ status: 'fail' }, trouble('provider_refused')],
  [{ reason: 'something_new' }, trouble('provider_refused')],
  [{ status: 'perhaps' }, trouble('provider_error')],
  [{}, trouble('provider_error')],
  [[], trouble('provider_error')],
  ['success', trouble('provider_error')],
  [null, trouble('provider_error')],
  [undefined, trouble('provider_error')],
])('data %j', (data, expected) => {
  expect(interpret(200, JSON.stringify({ status: true, data }))).toEqual(expected);
});

test.each<readonly [status: number, body: string, expected: PasswordOutcome]>([
  [200, 'null', trouble('provider_error')],
  [200, '<html>', trouble('provider_error')],
  [200, '{"status":false,"reason":"instance is starting or not authorized"}', trouble('provider_not_ready')],
  [200, '{"code":401,"description":"Unauthorized"}', trouble('provider_refused')],
  [302, '', trouble('provider_error')],
  [400, 'instance in starting process try later', trouble('instance_starting')],
  [400, 'Instance is deleted', trouble('provider_refused')],
  [400, 'Instance account is expired', trouble('provider_refused')],
  [400, 'Validation failed. Details: "password" is too long', trouble('provider_error')],
  [401, '', trouble('provider_refused')],
  [403, '<html>', trouble('provider_refused')],
  [404, '<html>', trouble('provider_refused')],
  [408, '', trouble('provider_timeout')],
  [429, '', trouble('rate_limited')],
  [466, '', trouble('provider_refused')],
  [500, '', trouble('provider_error')],
  [504, '<html>', trouble('provider_timeout')],
])('%i %j', (status, body, expected) => {
  expect(interpret(status, body)).toEqual(expected);
});

function interpret(status: number, body: string): PasswordOutcome {
  return interpretPassword({ status, headers: {}, body });
}

function trouble(code: TroubleCode): PasswordOutcome {
  return { kind: 'trouble', code };
}
