/**
 * The newest state that the server sent. Messages may arrive in any order over several connections.
 * One that is not newer, or that follows a final state, changes nothing: these functions then
 * return the same object.
 */

import type { Fresh, Session } from './types.ts';

/** Whether the session is connected, or ended for good: nothing that comes later changes it. */
export function isFinal(session: Session): boolean {
  return session.state === 'connected' || (session.state === 'ended' && session.end?.resumable !== true);
}

/**
 * A session with another id replaces this one whatever its version, because a renewed ticket may be
 * for another session.
 */
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

/**
 * Whether a complete state says no more than a `fresh` would. Long-poll and a new connection have
 * no other way to confirm a code.
 */
export function isConfirmation(told: Session | null, session: Session): boolean {
  const lasting = (value: Session): string => JSON.stringify(value, (key, field) => (CHANGING.has(key) ? null : field));
  return told !== null && session.code !== null && lasting(told) === lasting(session);
}
