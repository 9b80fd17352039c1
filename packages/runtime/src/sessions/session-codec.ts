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
  codes: 0,
  scannedAt: null,
  wantedPassword: false,
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

const USUAL_FIELDS = Object.keys(USUAL) as readonly (keyof typeof USUAL)[];

/** @throws {Error} if the text is not a record of the session with this id. */
export function decodeSession(record: string, sessionId: string): Session {
  const session: unknown = JSON.parse(record);
  if (typeof session === 'object' && session !== null) complete(session);
  if (!isSession(session) || session.id !== sessionId)
    throw new Error('a session record in Redis has an unknown shape; was it written by another version?');
  return session;
}

/**
 * Fills in what was left out, and what an older version did not know. In place, because a copy of 35
 * fields costs a gateway more than all else that it does with a record.
 */
function complete(session: Partial<Session>): void {
  const { state, expectedPhone, startedAt } = session;
  if (state?.kind === 'showing' || state?.kind === 'password') {
    fill(session, 'login', state.kind === 'showing' ? 'offered' : 'password');
    fill(session, 'isProven', true);
  }
  for (const field of USUAL_FIELDS) fill(session, field, USUAL[field]);
  fill(session, 'newsFrom', startedAt);
  // An older version may have written the phone as `8900…`, which equals no account's phone.
  if (expectedPhone != null) Object.assign(session, { expectedPhone: readAccountPhone(expectedPhone) ?? expectedPhone });
}

function fill(session: Readonly<Record<string, unknown>>, field: keyof Session, value: unknown): void {
  if (session[field] === undefined) (session as Record<string, unknown>)[field] = value;
}

/** Null if the text is no record of the session with this id, or there is none. */
export type ReadSession = (record: string | null | undefined, sessionId: string) => Session | null;

/** Warns of each session whose record cannot be read. */
export function createReadSession(log: Pick<Logger, 'warn'>): ReadSession {
  const readEntry = createReadEntry(log, 'session');
  return (record, sessionId) => (record == null ? null : readEntry({ sessionId }, () => decodeSession(record, sessionId)));
}
