import type { Account, Outcome } from '@qrcast/core/outcome';
import { describe, expect, test } from 'vitest';
import { interpretAccount } from './answer-account.ts';
import { interpretLogout } from './answer-logout.ts';
import { interpretState } from './answer-state.ts';

const STARTING: Outcome = { kind: 'trouble', code: 'instance_starting' };
const NOT_READY: Outcome = { kind: 'trouble', code: 'provider_not_ready' };
const PROVIDER_ERROR: Outcome = { kind: 'trouble', code: 'provider_error' };

const UNLINKED: readonly (readonly [state: unknown, expected: Outcome])[] = [
  [null, STARTING],
  ['starting', STARTING],
  ['notAuthorized', { kind: 'notAuthorized' }],
  ['pendingPassword', { kind: 'passwordWanted' }],
  ['pending_password', { kind: 'passwordWanted' }],
  ['blocked', { kind: 'refused', reason: 'instance_blocked' }],
  ['sleepMode', NOT_READY],
  ['pendingCode', NOT_READY],
  ['somethingNew', PROVIDER_ERROR],
  ['Authorized', PROVIDER_ERROR],
  ['', PROVIDER_ERROR],
  [undefined, PROVIDER_ERROR],
  [true, PROVIDER_ERROR],
];

test.each(UNLINKED)('state %j', (stateInstance, expected) => {
  expect(interpretState(answerOf({ stateInstance }))).toEqual(expected);
  expect(interpretAccount(answerOf({ stateInstance, phone: '79990000000', wid: '79990000000@c.us' }))).toEqual(expected);
});

test('a JSON null means that the instance is being created', () => {
  expect(interpretState(answerOf(null))).toEqual(STARTING);
  expect(interpretAccount(answerOf(null))).toEqual(STARTING);
});

test('state authorized is linked', () => {
  expect(interpretState(answerOf({ stateInstance: 'authorized' }))).toEqual({ kind: 'authorized', account: null });
  expect(interpretAccount(answerOf({ stateInstance: 'authorized', phone: '79990000000' }))).toEqual({
    kind: 'authorized',
    account: { wid: null, phone: '79990000000' },
  });
});

describe.each(['suspended', 'yellowCard'])('state %s', (stateInstance) => {
  test('proves no login by itself', () => {
    expect(interpretState(answerOf({ stateInstance }))).toEqual({ kind: 'suspended' });
    for (const fields of [{}, { phone: '' }, { phone: null }, { phone: '', chatId: '10000000' }, { phone: '', chatId: '79990000000@c.us' }])
      expect(interpretAccount(answerOf({ ...fields, stateInstance })), JSON.stringify(fields)).toEqual({ kind: 'suspended' });
  });

  test('with a phone is a login', () => {
    for (const fields of [{ phone: '79990000000' }, { phone: '', wid: '79990000000@c.us' }])
      expect(interpretAccount(answerOf({ ...fields, stateInstance }))).toMatchObject({
        kind: 'authorized',
        account: { phone: '79990000000' },
      });
  });
});

const WID = '79990000000@c.us';

test.each<readonly [fields: object, account: Account]>([
  [
    { phone: '79990000000', chatId: '10000000' },
    { wid: null, phone: '79990000000' },
  ],
  [
    { phone: '79990000000', chatId: WID },
    { wid: WID, phone: '79990000000' },
  ],
  [
    { phone: '', chatId: WID },
    { wid: WID, phone: null },
  ],
  [
    { phone: '', wid: WID },
    { wid: WID, phone: '79990000000' },
  ],
  [
    { phone: '79991111111', wid: WID, chatId: '10000000' },
    { wid: WID, phone: '79991111111' },
  ],
  [{ phone: 79_990_000_000 }, { wid: null, phone: '79990000000' }],
  [{ phone: '+7 (999) 000-00-00' }, { wid: null, phone: '79990000000' }],
  [{ phone: '89990000000' }, { wid: null, phone: '79990000000' }],
  [{ phone: WID }, { wid: null, phone: '79990000000' }],
  [
    { phone: '', wid: '89990000000@c.us' },
    { wid: '89990000000@c.us', phone: '79990000000' },
  ],
  [
    { phone: '', avatar: '', wid: '', chatId: '' },
    { wid: null, phone: null },
  ],
  [
    { phone: 'hidden', wid: '<b>@c.us' },
    { wid: null, phone: null },
  ],
  [
    { phone: null, wid: { user: WID } },
    { wid: null, phone: null },
  ],
  [
    { phone: '9'.repeat(21), wid: `${'9'.repeat(21)}@c.us` },
    { wid: null, phone: null },
  ],
  [{}, { wid: null, phone: null }],
])('account of %j', (fields, account) => {
  expect(interpretAccount(answerOf({ ...fields, stateInstance: 'authorized' }))).toEqual({ kind: 'authorized', account });
});

test.each<readonly [body: unknown, expected: Outcome]>([
  [{ isLogout: true }, { kind: 'loggedOut' }],
  [{ isLogout: false }, { kind: 'trouble', code: 'provider_refused' }],
  [{ isLogout: 'true' }, PROVIDER_ERROR],
  [{}, PROVIDER_ERROR],
  [null, PROVIDER_ERROR],
])('logout answered %j', (body, expected) => {
  expect(interpretLogout(answerOf(body))).toEqual(expected);
});

function answerOf(body: unknown): { status: number; headers: Record<string, string>; body: string } {
  return { status: 200, headers: {}, body: JSON.stringify(body) };
}
