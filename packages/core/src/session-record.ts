/**
 * Tells a session from anything else that a record may hold: one of another version, a damaged one,
 * a stranger's. It is written by hand, field by field, because it runs at every delivery and every
 * poll. A schema would cost more than the rest of a delivery.
 */

import type { PollMethod } from './outcome.ts';
import type { LoginProgress, Session } from './session.ts';

const METHODS: Readonly<Record<PollMethod, true>> = { qr: true, state: true, account: true, logout: true };
const LOGINS: Readonly<Record<LoginProgress, true>> = { none: true, offered: true, finishing: true, password: true };

/** By `typeof`. Numbers must be finite as well. */
const FIELDS = {
  string: ['id', 'tenantId', 'instanceId', 'instanceKey', 'stamp'],
  boolean: ['logoutOnMismatch', 'relink', 'isUnwatched', 'wantedPassword', 'isProven'],
  number: [
    'expiresAt',
    'toldVersion',
    'startOvers',
    'codes',
    'fence',
    'failures',
    'refusals',
    'newsFrom',
    'createdAt',
    'startedAt',
    'deadlineAt',
  ],
} as const satisfies Record<string, readonly (keyof Session)[]>;
const NULLABLE = {
  string: ['reference', 'expectedPhone', 'locale', 'returnUrl'],
  number: ['logoutsLeft', 'scannedAt', 'refusedSince'],
} as const satisfies Record<string, readonly (keyof Session)[]>;

type Fields = Readonly<Record<string, unknown>>;

/** Notice codes and end reasons may be any text, because a newer version may have more of them. */
export function isSession(value: unknown): value is Session {
  if (!isObject(value)) return false;
  for (const name of FIELDS.string) if (typeof value[name] !== 'string') return false;
  for (const name of FIELDS.boolean) if (typeof value[name] !== 'boolean') return false;
  for (const name of FIELDS.number) if (!Number.isFinite(value[name])) return false;
  for (const name of NULLABLE.string) if (!isTextOrNull(value[name])) return false;
  for (const name of NULLABLE.number) if (value[name] !== null && !Number.isFinite(value[name])) return false;
  const { version, next, login, state } = value;
  if (!Number.isSafeInteger(version) || typeof login !== 'string' || !Object.hasOwn(LOGINS, login)) return false;
  if (!isObject(next) || typeof next['ask'] !== 'string' || !Object.hasOwn(METHODS, next['ask']) || !Number.isFinite(next['at']))
    return false;
  return isState(state);
}

export function isState(state: unknown): boolean {
  if (!isObject(state)) return false;
  switch (state['kind']) {
    case 'idle':
      return true;
    case 'waiting':
    case 'password':
      return isNoticeOrNull(state['notice']);
    case 'showing':
      return isNoticeOrNull(state['notice']) && isCode(state['code']);
    case 'connected': {
      const { account } = state;
      return isObject(account) && isTextOrNull(account['wid']) && isTextOrNull(account['phone']);
    }
    case 'ended':
      return typeof state['reason'] === 'string';
    default:
      return false;
  }
}

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string';

const isNoticeOrNull = (value: unknown): boolean =>
  value === null || (isObject(value) && typeof value['code'] === 'string' && Number.isFinite(value['retryAt']));

const isCode = (value: unknown): boolean =>
  isObject(value) &&
  typeof value['digest'] === 'string' &&
  isTextOrNull(value['text']) &&
  Number.isFinite(value['issuedAt']) &&
  Number.isFinite(value['staleAt']);
