/**
 * The cells of the truth table that depend on more than the state: an old login to end, an account
 * to verify, failures before this one.
 */

import { expect, test } from 'vitest';
import {
  answered,
  code,
  type Expected,
  ended,
  FENCE,
  linked,
  linkedAs,
  NOW,
  observed,
  policy,
  refused,
  SESSIONS,
  STARTED,
  showing,
  trouble,
  withState,
} from '../test/fixtures.ts';
import type { Outcome } from './outcome.ts';
import { reduce } from './reduce.ts';
import { LOGOUTS_ON_MISMATCH } from './schedule.ts';
import type { Session, State } from './session.ts';

/** Name, session before, answer, what happens, and what the session is afterwards. */
type Case = readonly [string, Session, Outcome, Expected, Partial<Session>];

const soon = STARTED + 1_100;
const idle: State = { kind: 'idle' };
const waiting: State = { kind: 'waiting', notice: null };
const preparing: State = { kind: 'waiting', notice: { code: 'instance_starting', retryAt: soon } };
const verifying: State = { kind: 'waiting', notice: { code: 'provider_not_ready', retryAt: soon } };
const unready: State = { kind: 'waiting', notice: { code: 'provider_not_ready', retryAt: STARTED } };
const failing: State = { kind: 'waiting', notice: { code: 'provider_error', retryAt: STARTED } };
const badPassword: State = { kind: 'password', notice: { code: 'password_rejected', retryAt: STARTED } };

const read = withState({ ...showing, code: { ...showing.code, text: 'link' } });
const shows = (digest: string, text: string | null, issuedAt = FENCE): Partial<Session> => ({
  state: { kind: 'showing', code: { digest, text, issuedAt, staleAt: NOW + policy.codeTtlMs }, notice: null },
});

const relinking = (state: State) => withState(state, { relink: true });
const owned = (state: State) => withState(state, { expectedPhone: '79990000000' });
const strict = (state: State) => withState(state, { expectedPhone: '79990000000', logoutOnMismatch: true });
/** During the logout of a wrong account. */
const leaving = (logoutsLeft = LOGOUTS_ON_MISMATCH) =>
  withState(verifying, { expectedPhone: '79990000000', logoutOnMismatch: true, logoutsLeft, next: { ask: 'logout', at: STARTED } });
const right = linkedAs('79990000000');
const wrong = linkedAs('79991111111');
const notAuthorized: Outcome = { kind: 'notAuthorized' };
const passwordWanted: Outcome = { kind: 'passwordWanted' };
const timeout = trouble('provider_timeout');

const LOGOUT = { next: { ask: 'logout', at: soon }, relink: true } as const;
const ACCOUNT = { next: { ask: 'account', at: soon } } as const;
const EXPEL = { next: { ask: 'logout', at: soon }, logoutsLeft: LOGOUTS_ON_MISMATCH, state: verifying } as const;
const QR_SOON = { next: { ask: 'qr', at: soon } } as const;

const CASES: readonly Case[] = [
  ['the same picture again renews its code quietly', SESSIONS.showing, code('first'), 'kept showing', { fence: STARTED }],
  ['the same text in another picture, too, and the picture stays', read, code('second', 'link'), 'kept showing', shows('first', 'link')],
  ['a text is not lost to a poll that did not learn it', read, code('first'), 'kept showing', shows('first', 'link')],
  ['another text is another code', read, code('second', 'other'), 'told showing', shows('second', 'other', NOW)],
  ['a picture nobody has read is another code', read, code('second'), 'told showing', shows('second', null, NOW)],
  ['two pictures nobody has read are two codes', SESSIONS.showing, code('second'), 'told showing', shows('second', null, NOW)],

  ['relink: logout first', relinking(waiting), linked, 'told waiting', { ...LOGOUT, state: preparing }],
  ['relink: the used code goes', relinking(showing), linked, 'told waiting', { ...LOGOUT, state: preparing }],
  ['relink, idle', relinking(idle), linked, 'kept idle', LOGOUT],
  ['relink: an end is not undone by the old login', relinking(ended('deadline')), linked, 'same', {}],
  ['relink is over with a code', relinking(waiting), code('x'), 'told showing', { relink: false }],
  ['relink is over with a code for nobody', relinking(idle), code('x'), 'kept idle', { relink: false }],
  ['relink is over with notAuthorized', relinking(waiting), notAuthorized, 'kept waiting', { relink: false }],
  ['relink is over with a password', relinking(waiting), passwordWanted, 'told password', { relink: false }],
  [
    'relink outlasts its logout',
    relinking(waiting),
    { kind: 'loggedOut' },
    'told waiting',
    { relink: true, next: { ask: 'qr', at: STARTED + 5_000 } },
  ],
  ['relink outlasts trouble', relinking(waiting), trouble('provider_not_ready'), 'told waiting', { relink: true }],
  ['relink outlasts a refusal', relinking(waiting), refused, 'told waiting', { relink: true }],

  ['the expected phone', owned(waiting), right, 'told connected', {}],
  ['the expected phone, idle', owned(idle), right, 'told connected', {}],
  ['the expected phone, after the deadline', owned(ended('deadline')), right, 'told connected', {}],
  ['another phone', owned(waiting), wrong, 'told ended', { state: ended('account_mismatch') }],
  ['another phone, idle', owned(idle), wrong, 'told ended', { state: ended('account_mismatch') }],
  ['another phone, after the deadline', owned(ended('deadline')), wrong, 'same', {}],
  ['linked, to whom is unknown', owned(showing), linked, 'told waiting', { ...ACCOUNT, state: verifying }],
  ['linked, without a phone', owned(waiting), linkedAs(null), 'told waiting', { ...ACCOUNT, state: verifying }],
  ['linked, to whom is unknown, idle', owned(idle), linked, 'kept idle', ACCOUNT],
  ['linked, to whom is unknown, after the deadline', owned(ended('deadline')), linked, 'same', {}],

  ['another phone that is to be logged out', strict(showing), wrong, 'told waiting', EXPEL],
  ['another phone that is to be logged out, idle', strict(idle), wrong, 'told waiting', { ...EXPEL, deadlineAt: NOW + policy.attemptMs }],
  ['another phone that is to be logged out, after the deadline', strict(ended('deadline')), wrong, 'same', {}],
  ['the expected phone where others are logged out', strict(waiting), right, 'told connected', { logoutsLeft: null }],
  ['the other phone is logged out', leaving(), { kind: 'loggedOut' }, 'told ended', { state: ended('account_mismatch') }],
  ['the other phone is found to be gone', leaving(), notAuthorized, 'told ended', { state: ended('account_mismatch') }],
  ['the other phone is found to be gone: a code', leaving(), code('x'), 'told ended', { state: ended('account_mismatch') }],
  [
    'the logout of the other phone fails: once more',
    leaving(),
    timeout,
    'told waiting',
    {
      logoutsLeft: LOGOUTS_ON_MISMATCH - 1,
      next: { ask: 'logout', at: STARTED + 5_000 },
      state: { kind: 'waiting', notice: { code: 'provider_timeout', retryAt: STARTED + 5_000 } },
    },
  ],
  ['nobody is connected while the other phone goes', leaving(), right, 'told waiting', { logoutsLeft: LOGOUTS_ON_MISMATCH - 1 }],
  ['the last logout of the other phone fails', leaving(1), timeout, 'told ended', { state: ended('account_mismatch') }],
  ['the last logout of the other phone is refused', leaving(1), refused, 'told ended', { state: ended('account_mismatch') }],

  ['the second refusal', withState(waiting, { refusals: 1 }), refused, 'told ended', { state: ended('credentials_rejected') }],
  [
    'the first refusal asks the other method',
    withState(showing),
    refused,
    'told showing',
    { next: { ask: 'state', at: soon }, refusals: 1 },
  ],
  ['the eighth fault', withState(showing, { failures: 7 }), timeout, 'told ended', { state: ended('provider_down') }],
  ['not yet is no fault', withState(waiting, { failures: 7 }), trouble('provider_not_ready'), 'told waiting', { failures: 7 }],
  ['a fault asks the state method next', withState(waiting), timeout, 'told waiting', { next: { ask: 'state', at: STARTED + 5_000 } }],
  [
    'a fault while verifying asks for the account again',
    withState(waiting, ACCOUNT),
    timeout,
    'told waiting',
    { next: { ask: 'account', at: STARTED + 5_000 } },
  ],

  ['notAuthorized ends "not ready"', withState(unready), notAuthorized, 'told waiting', { ...QR_SOON, state: waiting }],
  [
    'only a code ends a fault',
    withState(failing),
    notAuthorized,
    'told waiting',
    { ...QR_SOON, state: { ...failing, notice: { code: 'provider_error', retryAt: soon } } },
  ],
  [
    'a refused password stands while it is still wanted',
    withState(badPassword),
    passwordWanted,
    'kept password',
    { state: badPassword, next: { ask: 'state', at: STARTED + 5_000 } },
  ],
];

test.each(CASES)('%s', (_name, before, outcome, expected, after) => {
  const result = reduce(policy, before, answered(outcome));
  expect(observed(before, result)).toBe(expected);
  expect(result).toMatchObject(after);
});

test('a text that is read later is sent to viewers', () => {
  const after = reduce(policy, SESSIONS.showing, answered(code('first', 'link')));
  expect(observed(SESSIONS.showing, after)).toBe('told showing');
  expect(after).toMatchObject(shows('first', 'link'));
});

test('the logout of a wrong account continues when nobody watches, and the deadline causes no other end', () => {
  const session = leaving();
  expect(reduce(policy, session, { kind: 'unwatched', at: NOW })).toBe(session);
  expect(reduce(policy, session, { kind: 'elapsed', at: session.deadlineAt }).state).toEqual(ended('account_mismatch'));
  expect(reduce(policy, session, { kind: 'elapsed', at: session.expiresAt }).state).toEqual(ended('account_mismatch'));
  expect(reduce(policy, session, { kind: 'cancelled', at: NOW }).state).toEqual(ended('cancelled'));
});

test('only the resumable ends can be resumed or changed by an answer', () => {
  const reasons = ['cancelled', 'credentials_rejected', 'instance_deleted', 'instance_blocked', 'account_mismatch'] as const;
  for (const reason of [...reasons, 'expired'] as const) {
    const session = withState(ended(reason));
    expect(reduce(policy, session, { kind: 'resumed', at: STARTED }), reason).toBe(session);
    expect(reduce(policy, session, answered(linked)), reason).toBe(session);
  }
  for (const reason of ['deadline', 'provider_down', 'instance_expired'] as const) {
    expect(reduce(policy, withState(ended(reason)), { kind: 'resumed', at: STARTED }).state.kind, reason).toBe('waiting');
  }
});

test('an answer that was under way when its session was postponed still counts', () => {
  const postponed = reduce(policy, withState(waiting), { kind: 'postponed', at: NOW, retryAt: NOW + 20_000 });
  expect(postponed).toMatchObject({ state: { kind: 'waiting', notice: { code: 'rate_limited', retryAt: NOW + 20_000 } }, fence: FENCE });
  expect(reduce(policy, postponed, answered(code('second'), { at: NOW + 1 })).state.kind).toBe('showing');
});

test('a session is postponed once, and not for a reason from before its last answer', () => {
  const session = withState(waiting);
  const until = NOW + 20_000;
  const postponed = reduce(policy, session, { kind: 'postponed', at: NOW, retryAt: until });
  expect(reduce(policy, postponed, { kind: 'postponed', at: NOW + 1_000, retryAt: until })).toBe(postponed);
  expect(reduce(policy, session, { kind: 'postponed', at: FENCE - 1, retryAt: until })).toBe(session);
});

test('a postponed logout of a wrong account keeps its tries, and stays the next request', () => {
  const after = reduce(policy, leaving(), { kind: 'postponed', at: NOW, retryAt: NOW + 20_000 });
  expect(after).toMatchObject({ logoutsLeft: LOGOUTS_ON_MISMATCH, next: { ask: 'logout', at: NOW + 20_000 } });
});

test('a session that waits at a slow host is told once, and until it has something better to tell', () => {
  const slow = { kind: 'waiting', notice: { code: 'provider_slow', retryAt: NOW } } as const;
  const told = reduce(policy, withState(waiting), { kind: 'hostSlow', at: NOW });
  expect(told).toMatchObject({ state: slow, fence: FENCE, next: { ask: 'qr', at: STARTED } });
  expect(reduce(policy, told, { kind: 'hostSlow', at: NOW + 1 })).toBe(told);
  const asked = reduce(policy, told, answered(notAuthorized, { at: NOW + 1 }));
  expect(observed(told, asked)).toBe('kept waiting');
  expect(asked.state).toEqual(slow);
  expect(reduce(policy, asked, { kind: 'hostFine', at: NOW + 2 }).state).toEqual(waiting);
  expect(reduce(policy, told, answered(trouble('provider_not_ready'), { at: NOW + 1 })).state).toMatchObject({
    notice: { code: 'provider_not_ready' },
  });
  expect(reduce(policy, told, answered(code('second'), { at: NOW + 1 })).state).toMatchObject({ kind: 'showing', notice: null });
});

test.each([
  ['a better notice', unready],
  ['a code', showing],
  ['a password', badPassword],
] as const)('a slow host does not take the place of %s', (_what, state) => {
  for (const kind of ['hostSlow', 'hostFine'] as const) {
    const before = withState(state);
    expect(reduce(policy, before, { kind, at: NOW })).toBe(before);
  }
});
