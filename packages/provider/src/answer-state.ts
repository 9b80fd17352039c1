import type { Outcome } from '@qrcast/core/outcome';
import type { Answer } from './answer.ts';
import { readAnswer, refused, trouble } from './answer.ts';

/**
 * Every value of `stateInstance` that was ever documented.
 * https://green-api.com/v3/docs/api/account/GetStateInstance
 */
const STATES: ReadonlyMap<unknown, Outcome> = new Map<unknown, Outcome>([
  [null, trouble('instance_starting')],
  ['starting', trouble('instance_starting')],
  ['notAuthorized', { kind: 'notAuthorized' }],
  ['authorized', { kind: 'authorized', account: null }],
  // A restricted account. It may be linked, but the provider has also put instances here that had
  // lost their login. `yellowCard` is the old name.
  ['suspended', { kind: 'suspended' }],
  ['yellowCard', { kind: 'suspended' }],
  ['pendingPassword', { kind: 'passwordWanted' }],
  ['pending_password', { kind: 'passwordWanted' }],
  ['blocked', refused('instance_blocked')],
  // From the past, or from other messengers.
  ['sleepMode', trouble('provider_not_ready')],
  ['pendingCode', trouble('provider_not_ready')],
]);

/** `GET getStateInstance`: `{"stateInstance"}`, or `null` while the instance is being created. */
export function interpretState(answer: Answer): Outcome {
  const reading = readAnswer(answer);
  if (reading.kind !== 'reading') return reading;
  return interpretStateValue(reading.fields === null ? null : reading.fields['stateInstance']);
}

export function interpretStateValue(state: unknown): Outcome {
  return STATES.get(state) ?? trouble('provider_error');
}
