/**
 * Turns "somebody watches" into polls. A session is started when it is first watched, and stays in
 * the poll queue as long as its watch is renewed. The watch is a lease in Redis, so the watches of
 * a gateway that dies end by themselves.
 */

import type { SessionEvent } from '@qrcast/core/reduce';
import { isPolled, type Session } from '@qrcast/core/session';
import type { PollQueue, PollTarget } from '@qrcast/runtime/polling/poll-queue';
import { unattendedWatch } from '@qrcast/runtime/polling/unattended-watch';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Change, Known, Sessions } from '@qrcast/runtime/sessions/sessions';

export interface Watching {
  /**
   * Somebody watches from now on, for the grace at least. A session that was not polled is polled
   * as soon as its instance may be asked. If a Retry-After of the provider makes that late, viewers
   * are told. Resolves to the session, null if it is gone.
   */
  start(sessionId: string, known?: Known): Promise<Session | null>;
  /**
   * Extends the watches of polled sessions. Resolves to the ids of those that have fallen out of
   * the queue.
   */
  renew(polled: readonly PollTarget[]): Promise<readonly string[]>;
  /**
   * Applies an event and keeps the queue in step: a session that is not polled any more leaves it
   * at once.
   */
  apply(sessionId: string, event: SessionEvent): Promise<Session | null>;
  /** Like `apply`, and tells what this very event did. */
  change(sessionId: string, event: SessionEvent, known?: Known): Promise<Change | null>;
  /**
   * The session as it is now. If time has changed it, the queue is kept in step. If it has fallen
   * out of the queue, it is put back. Null if it is gone.
   */
  current(sessionId: string, known?: Known): Promise<Session | null>;
  /** Asks for a poll by the state method, as soon as the instance may be asked. */
  check(session: Session): Promise<void>;
}

export interface WatchingDeps {
  readonly sessions: Sessions;
  readonly queue: PollQueue;
  readonly clock: Clock;
  /** How long a watch lasts that nobody renews, ms. */
  readonly graceMs: number;
}

/**
 * A longer wait is shown on screens. Shorter ones come from the spacing, or from another session of
 * the instance.
 */
const TELL_AFTER_MS = 8_000;

/** The longest request, a dead worker's lease and a busy queue take less. */
const FORGOTTEN_AFTER_MS = 90_000;

export function createWatching(deps: WatchingDeps): Watching {
  const { sessions, queue, clock, graceMs } = deps;

  async function change(sessionId: string, event: SessionEvent, known?: Known): Promise<Change | null> {
    const changed = await sessions.change(sessionId, event, known);
    if (changed !== null) await keepInStep(deps, changed);
    return changed;
  }

  return {
    async start(sessionId, known) {
      const changed = await sessions.change(sessionId, { kind: 'watched', at: clock.now() }, known);
      if (changed === null || !isPolled(changed.after)) return changed?.after ?? null;
      const { before, after: session } = changed;
      const waitMs = await (before.isUnwatched ? lookAgain(deps, session) : queue.ensure(targetOf(session), clock.now() + graceMs));
      if (waitMs < TELL_AFTER_MS) return session;
      const at = clock.now();
      return sessions.apply(sessionId, { kind: 'postponed', at, retryAt: at + waitMs }, { remembered: session });
    },

    async renew(polled) {
      const missing = await queue.renew(polled, clock.now() + graceMs);
      return missing.map(({ sessionId }) => sessionId);
    },

    apply: async (sessionId, event) => (await change(sessionId, event))?.after ?? null,
    change,
    async current(sessionId, known) {
      const changed = await sessions.current(sessionId, clock.now(), known);
      if (changed === null) return null;
      if (changed.after !== changed.before) await keepInStep(deps, changed);
      else if (isForgotten(changed.after, clock.now())) await queue.ensure(targetOf(changed.after), clock.now() + graceMs);
      return changed.after;
    },
    check: (session) => queue.poke(targetOf(session), 'state'),
  };
}

/**
 * No worker asks for it, although it is polled. Then its last change was lost by Redis, after the
 * queue had followed it.
 */
function isForgotten(session: Session, now: number): boolean {
  return isPolled(session) && now > session.next.at + FORGOTTEN_AFTER_MS;
}

async function keepInStep(deps: WatchingDeps, { before, after: session }: Change): Promise<void> {
  const { queue } = deps;
  const unattended = unattendedWatch(session);
  if (!isPolled(session)) await queue.cancel(targetOf(session));
  else if (unattended !== null) await queue.ensure(targetOf(session), unattended.watchedUntil, unattended.dueAt);
  else if (before.isUnwatched) await lookAgain(deps, session);
}

/**
 * Replaces the entry of a session that was unwatched: it was due later, and its watch was longer
 * than that of a viewer who may leave at once. Resolves to the ms until the instance may be asked.
 */
function lookAgain({ queue, clock, graceMs }: WatchingDeps, session: Session): Promise<number> {
  return queue.ensure(targetOf(session), clock.now() + graceMs, session.next.at, true);
}

export function targetOf({ id: sessionId, instanceKey, tenantId }: Pick<Session, 'id' | 'instanceKey' | 'tenantId'>): PollTarget {
  return { sessionId, instanceKey, tenantId };
}
