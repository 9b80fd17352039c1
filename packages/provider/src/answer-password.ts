import type { PasswordOutcome, TroubleCode } from '@qrcast/core/outcome';
import type { Answer, Fields } from './answer.ts';
import { isFields, readAnswer } from './answer.ts';

/**
 * Why the provider did not accept a password. All of these come with HTTP 200 and `"status":true`,
 * which says only that the request was carried out.
 * https://green-api.com/v3/docs/api/account/SendAuthorizationPassword
 */
const REASONS: ReadonlyMap<unknown, PasswordOutcome> = new Map<unknown, PasswordOutcome>([
  ['already_registered', { kind: 'accepted' }],
  ['invalid_password', { kind: 'rejected', code: 'password_rejected' }],
  ['rate_limit_exceeded', { kind: 'rejected', code: 'password_rate_limited' }],
  ['attempts_exceeded', { kind: 'rejected', code: 'password_rate_limited' }],
  ['authorization_not_started', { kind: 'notExpected' }],
  ['time_limit_expired_logout', { kind: 'notExpected' }],
  ['timeout', passwordTrouble('provider_timeout')],
]);

/**
 * `POST sendAuthorizationPassword`: `{"status":true,"data":{"status":"success"|"fail","reason"}}`.
 */
export function interpretPassword(answer: Answer): PasswordOutcome {
  const reading = readAnswer(answer);
  switch (reading.kind) {
    case 'reading':
      return interpretResult(reading.fields?.['data']);
    case 'trouble':
      return reading;
    case 'refused':
      // The next poll will report refused credentials. Only a repeated refusal ends a session.
      return passwordTrouble('provider_refused');
    default:
      return reading satisfies never;
  }
}

function interpretResult(data: unknown): PasswordOutcome {
  if (!isFields(data)) return passwordTrouble('provider_error');
  if (data['status'] === 'success') return { kind: 'accepted' };
  return REASONS.get(data['reason']) ?? passwordTrouble(isFailure(data) ? 'provider_refused' : 'provider_error');
}

function isFailure(data: Fields): boolean {
  return data['status'] === 'fail' || typeof data['reason'] === 'string';
}

function passwordTrouble(code: TroubleCode): PasswordOutcome {
  return { kind: 'trouble', code };
}
