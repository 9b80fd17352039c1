/** Sessions as Redis holds them. What comes from Redis is a boundary: another version of ours may have written it, so it is checked. */

import { readAccountPhone } from '@qrcast/core/account-phone';
import type { Session } from '@qrcast/core/session';
import { isSession } from '@qrcast/core/session-record';

/** A session and, in `showing`, its picture as a data URL. */
export interface Snapshot {
  readonly session: Session;
  /** Null without a code; also where the picture's write was lost with a crash: the next code brings one. */
  readonly image: string | null;
}

/** Most sessions have most of these so (and `newsFrom` like `startedAt`); left out of the record, they cost no memory. */
const USUAL = {
  reference: null,
  expectedPhone: null,
  locale: null,
  returnUrl: null,
  logoutOnMismatch: false,
  relink: false,
  logoutsLeft: null,
  login: 'none',
  isUnwatched: false,
  startOvers: 0,
  isProven: false,
  failures: 0,
  refusals: 0,
  refusedSince: null,
} as const satisfies Partial<Session>;

export function encodeSession(session: Session): string {
  return JSON.stringify(session, (key, value: unknown) => {
    const isUsual = key in USUAL ? value === USUAL[key as keyof typeof USUAL] : key === 'newsFrom' && value === session.startedAt;
    return isUsual ? undefined : value;
  });
}

/** @throws {Error} if it is no record of the session with this id. */
export function decodeSession(record: string, sessionId: string): Session {
  const given = JSON.parse(record) as Partial<Session>;
  const session = { ...USUAL, ...progressOf(given), newsFrom: given.startedAt, ...given, ...expectedPhoneOf(given) };
  if (!isSession(session) || session.id !== sessionId)
    throw new Error('a session record in Redis has an unknown shape; was it written by another version?');
  return session;
}

/** What a version of ours that did not know these fields left out of a record with a code or a password step. */
function progressOf({ state }: Partial<Session>): Pick<Session, 'login' | 'isProven'> | Record<string, never> {
  if (state?.kind === 'showing') return { login: 'offered', isProven: true };
  return state?.kind === 'password' ? { login: 'password', isProven: true } : {};
}

/** A gateway of an older version may have written it as `8900…`, which equals no account's phone. */
function expectedPhoneOf({ expectedPhone }: Partial<Session>): Pick<Session, 'expectedPhone'> | null {
  return expectedPhone == null ? null : { expectedPhone: readAccountPhone(expectedPhone) ?? expectedPhone };
}

/** A published change: the record, and after the first line break the new picture if it changed with it. */
export function decodeChange(message: string, sessionId: string): { session: Session; image: string | null } {
  const end = message.indexOf('\n');
  return end === -1
    ? { session: decodeSession(message, sessionId), image: null }
    : { session: decodeSession(message.slice(0, end), sessionId), image: message.slice(end + 1) };
}
