import { readAccountPhone } from '@qrcast/core/account-phone';
import type { Account, Outcome } from '@qrcast/core/outcome';
import type { Answer, Fields } from './answer.ts';
import { readAnswer } from './answer.ts';
import { interpretStateValue } from './answer-state.ts';

const WID = /^\d{5,20}@c\.us$/;

/**
 * `GET getAccountSettings`: the state, and the account if there is one.
 * https://green-api.com/v3/docs/api/account/GetAccountSettings
 */
export function interpretAccount(answer: Answer): Outcome {
  const reading = readAnswer(answer);
  if (reading.kind !== 'reading') return reading;
  const { fields } = reading;
  const outcome = interpretStateValue(fields === null ? null : fields['stateInstance']);
  if (fields === null || (outcome.kind !== 'authorized' && outcome.kind !== 'suspended')) return outcome;
  const account = readAccount(fields);
  return outcome.kind === 'authorized' || account.phone !== null ? { kind: 'authorized', account } : outcome;
}

/**
 * A phone is read from `phone` or `wid`. Not from `chatId`, which may be an id of the messenger
 * without a phone in it.
 */
function readAccount(fields: Fields): Account {
  const wid = matching(WID, fields['wid']);
  const phone = phoneIn(fields['phone']) ?? phoneIn(wid);
  return { wid: wid ?? matching(WID, fields['chatId']), phone };
}

function phoneIn(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? readAccountPhone(String(value)) : null;
}

function matching(pattern: RegExp, value: unknown): string | null {
  return typeof value === 'string' && pattern.test(value) ? value : null;
}
