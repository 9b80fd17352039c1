/**
 * Sessions as Redis holds them. Each record is checked when it is read, because another version of
 * qrcast may have written it.
 */

import { readAccountPhone } from '@qrcast/core/account-phone';
import type { Session } from '@qrcast/core/session';
import { isSession } from '@qrcast/core/session-record';
import type { Logger } from '../log.ts';
import { createReadEntry } from '../redis/read-entry.ts';

/** A session and, in `showing`, its picture as a data URL. */
export interface Snapshot {
  readonly session: Session;
  /**
   * Null without a code, and if the picture was lost in a crash of Redis. The next code brings one.
   */
  readonly image: string | null;
  /**
   * The counts of its visible viewers when it was written, as pairs of a gateway and its entry
   * (viewers-count-1.lua). Undefined if they were not read with it.
   */
  readonly counts?: readonly string[] | undefined;
}

/**
 * The usual values. They are left out of the record to save memory, and so is `newsFrom` if it
 * equals `startedAt`.
 */
const USUAL = {
  stamp: '',
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

/** @throws {Error} if the text is not a record of the session with this id. */
export function decodeSession(record: string, sessionId: string): Session {
  const given = JSON.parse(record) as Partial<Session>;
  const session = { ...USUAL, ...progressOf(given), newsFrom: given.startedAt, ...given, ...expectedPhoneOf(given) };
  if (!isSession(session) || session.id !== sessionId)
    throw new Error('a session record in Redis has an unknown shape; was it written by another version?');
  return session;
}

/** Null if the text is no record of the session with this id, or there is none. */
export type ReadSession = (record: string | null | undefined, sessionId: string) => Session | null;

/** Warns of each session whose record cannot be read. */
export function createReadSession(log: Pick<Logger, 'warn'>): ReadSession {
  const readEntry = createReadEntry(log, 'session');
  return (record, sessionId) => (record == null ? null : readEntry({ sessionId }, () => decodeSession(record, sessionId)));
}

/** Fills in the fields that an older version did not know, from the state of the record. */
function progressOf({ state }: Partial<Session>): Pick<Session, 'login' | 'isProven'> | Record<string, never> {
  if (state?.kind === 'showing') return { login: 'offered', isProven: true };
  return state?.kind === 'password' ? { login: 'password', isProven: true } : {};
}

/** An older version may have written the phone as `8900…`, which equals no account's phone. */
function expectedPhoneOf({ expectedPhone }: Partial<Session>): Pick<Session, 'expectedPhone'> | null {
  return expectedPhone == null ? null : { expectedPhone: readAccountPhone(expectedPhone) ?? expectedPhone };
}

/**
 * Parses a published change, as session-commit-3.lua joins it. An older version published no line
 * before the record.
 * @throws {Error} as `decodeSession`.
 */
export function decodeChange(message: string, sessionId: string): Snapshot {
  if (message.startsWith('{')) return decodePictured(message, sessionId);
  const end = message.indexOf('\n');
  const [format, ...counts] = message.slice(0, end).split(' ');
  if (format !== '2') throw new Error('a published change has an unknown format; was it written by another version?');
  return { ...decodePictured(message.slice(end + 1), sessionId), counts };
}

function decodePictured(text: string, sessionId: string): Snapshot {
  const end = text.indexOf('\n');
  return end === -1
    ? { session: decodeSession(text, sessionId), image: null }
    : { session: decodeSession(text.slice(0, end), sessionId), image: text.slice(end + 1) };
}
