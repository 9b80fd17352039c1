/** Which sessions stay in the poll queue without a viewer, and for how long. */

import { isLoggingOut, isPolled, type Session } from '@qrcast/core/session';

export interface UnattendedWatch {
  /** Until when the session stays in the queue, Unix ms. */
  readonly watchedUntil: number;
  /** When it is due at the latest, Unix ms. */
  readonly dueAt: number;
}

/** Each poll renews the watch, so it only has to outlast a late poll and a dead worker's lease. */
const MARGIN_MS = 15_000;

/**
 * Returns null if the session is polled only while somebody watches. A logout of the wrong account
 * stays in the queue to the end of its attempt. An unwatched login stays from poll to poll. A
 * longer watch would still run after a viewer came back and left again.
 */
export function unattendedWatch(session: Session): UnattendedWatch | null {
  const dueAt = session.next.at;
  if (isLoggingOut(session)) return { watchedUntil: session.deadlineAt + MARGIN_MS, dueAt };
  return isPolled(session) && session.isUnwatched ? { watchedUntil: Math.min(dueAt, session.deadlineAt) + MARGIN_MS, dueAt } : null;
}
