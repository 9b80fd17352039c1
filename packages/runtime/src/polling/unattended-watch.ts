/** Sessions that stay in the poll queue although nobody has to watch them, and for how long. */

import { isLoggingOut, isPolled, type Session } from '@qrcast/core/session';

export interface UnattendedWatch {
  /** Until when the session stays in the queue, Unix ms. */
  readonly watchedUntil: number;
  /** When it is due at the latest, Unix ms. */
  readonly dueAt: number;
}

/** Each poll renews the watch, so it only has to outlast a late poll and the lease of a worker that died. */
const MARGIN_MS = 15_000;

/**
 * Null if the session is polled only while somebody watches. A logout of the wrong account is watched to the end of its attempt. An unwatched
 * login is watched from poll to poll: a longer watch would outlive the moment when somebody looks again and leaves.
 */
export function unattendedWatch(session: Session): UnattendedWatch | null {
  const dueAt = session.next.at;
  if (isLoggingOut(session)) return { watchedUntil: session.deadlineAt + MARGIN_MS, dueAt };
  return isPolled(session) && session.isUnwatched ? { watchedUntil: Math.min(dueAt, session.deadlineAt) + MARGIN_MS, dueAt } : null;
}
