/**
 * "Somebody watches", made into polls: a session is started when it is first watched, and stays in the poll queue as long as the watch is
 * renewed. The lease is in Redis, so a gateway that dies stops watching by itself.
 */

import type { SessionEvent } from '@qrcast/core/reduce';
import { isPolled, type Session } from '@qrcast/core/session';
import type { PollQueue, PollTarget } from '@qrcast/runtime/polling/poll-queue';
import { unattendedWatch } from '@qrcast/runtime/polling/unattended-watch';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Change, Known, Sessions } from '@qrcast/runtime/sessions/sessions';

export interface Watching {
  /**
   * Somebody watches from now on, for the grace at least: polled, if it was not, as soon as its instance may be asked; where the provider wants
   * long quiet for it, viewers are told so. Resolves to the session, null if it is gone.
   */
  start(sessionId: string, known?: Known): Promise<Session | null>;
  /** Extends the watch of sessions that are polled; resolves to those that have fallen out of the queue. */
  renew(sessions: readonly Session[]): Promise<readonly string[]>;
  /** Applies an event and keeps the queue in step: what is not polled any more leaves it at once. */
  apply(sessionId: string, event: SessionEvent): Promise<Session | null>;
  /** `apply`, for who must know what this very event did. */
  change(sessionId: string, event: SessionEvent, known?: Known): Promise<Change | null>;
  /** The session as it is now. If time has changed it, the queue is kept in step. Null if it is gone. */
  current(sessionId: string, known?: Known): Promise<Session | null>;
  /** Asks for a poll as soon as may be, by this method. */
  check(session: Session): Promise<void>;
}

export interface WatchingDeps {
  readonly sessions: Sessions;
  readonly queue: PollQueue;
  readonly clock: Clock;
  /** How long a watch lasts that nobody renews, ms. */
  readonly graceMs: number;
}

/** A wait that screens tell of. Shorter ones are the spacing, or another session's turn. */
const TELL_AFTER_MS = 8_000;

export function createWatching({ sessions, queue, clock, graceMs }: WatchingDeps): Watching {
  async function change(sessionId: string, event: SessionEvent, known?: Known): Promise<Change | null> {
    const changed = await sessions.change(sessionId, event, known);
    if (changed !== null) await keepInStep(changed);
    return changed;
  }

  async function keepInStep({ before, after: session }: Change): Promise<void> {
    const unattended = unattendedWatch(session);
    if (!isPolled(session)) await queue.cancel(targetOf(session));
    else if (unattended !== null) await queue.ensure(targetOf(session), unattended.watchedUntil, unattended.dueAt);
    else if (before.isUnwatched) await lookAgain(session);
  }

  /** Unwatched, it was in the queue for a later moment, and with a longer watch than that of a viewer who may leave at once. */
  const lookAgain = (session: Session): Promise<number> => queue.ensure(targetOf(session), clock.now() + graceMs, session.next.at, true);

  return {
    async start(sessionId, known) {
      const changed = await sessions.change(sessionId, { kind: 'watched', at: clock.now() }, known);
      if (changed === null || !isPolled(changed.after)) return changed?.after ?? null;
      const { before, after: session } = changed;
      const waitMs = await (before.isUnwatched ? lookAgain(session) : queue.ensure(targetOf(session), clock.now() + graceMs));
      if (waitMs < TELL_AFTER_MS) return session;
      const at = clock.now();
      return sessions.apply(sessionId, { kind: 'postponed', at, retryAt: at + waitMs }, { remembered: session });
    },

    async renew(watched) {
      const polled = watched.filter(isPolled);
      const missing = await queue.renew(polled.map(targetOf), clock.now() + graceMs);
      return missing.map(({ sessionId }) => sessionId);
    },

    apply: async (sessionId, event) => (await change(sessionId, event))?.after ?? null,
    change,
    async current(sessionId, known) {
      const changed = await sessions.current(sessionId, clock.now(), known);
      if (changed !== null && changed.after !== changed.before) await keepInStep(changed);
      return changed?.after ?? null;
    },
    check: (session) => queue.poke(targetOf(session), 'state'),
  };
}

function targetOf(session: Session): PollTarget {
  return { sessionId: session.id, instanceKey: session.instanceKey, tenantId: session.tenantId };
}
