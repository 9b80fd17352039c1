/**
 * The newest state the server told. The gate is here: what is not newer, or follows a final state, changes nothing, in whatever order
 * messages arrive over several connections. No change is the same object.
 */

import type { Fresh, Session } from './types.ts';

/** Nothing that comes later changes it. */
export function isFinal(session: Session): boolean {
  return session.state === 'connected' || (session.state === 'ended' && session.end?.resumable !== true);
}

/** Another id takes over whatever its version: a renewed ticket was for a new session. */
export function withSession(told: Session | null, session: Session): Session {
  if (told === null) return session;
  if (isFinal(told)) return told;
  return told.id === session.id && session.version <= told.version ? told : session;
}

export function withFresh(told: Session | null, { id, version, staleAt }: Fresh): Session | null {
  if (told === null || told.code === null || told.id !== id || version <= told.version) return told;
  return { ...told, version, code: { ...told.code, staleAt } };
}

const CHANGING: ReadonlySet<string> = new Set(['version', 'viewers', 'serverNow', 'staleAt']);

/** A whole state that tells no more than a `fresh` would: long-poll, and a new connection, know no other way. */
export function isConfirmation(told: Session | null, session: Session): boolean {
  const lasting = (value: Session): string => JSON.stringify(value, (key, field) => (CHANGING.has(key) ? null : field));
  return told !== null && session.code !== null && lasting(told) === lasting(session);
}
