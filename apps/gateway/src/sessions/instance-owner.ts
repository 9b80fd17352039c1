/**
 * An instance has one live session of a tenant at a time: who makes or resumes one takes its place,
 * or finds who has it.
 */

import { RefusedError } from '@qrcast/core/errors';
import { isTerminal, type Session } from '@qrcast/core/session';
import type { SessionIndex } from './session-index.ts';

export interface InstancePlace {
  /** The live session of the instance; null if there is none. */
  live(tenantId: string, instanceId: string): Promise<Session | null>;
  /**
   * Puts the session into the instance's place, unless a live one stands there: then that one.
   * `mayReplace`: a live one with other credentials gives way, for a new request brings newer ones;
   * a resumed session brings older ones.
   */
  take(session: Session, mayReplace: boolean): Promise<Session>;
}

export interface InstancePlaceDeps {
  readonly index: Pick<SessionIndex, 'current' | 'claim'>;
  /** The session as it is now. */
  readonly current: (sessionId: string) => Promise<Session | null>;
  readonly cancel: (sessionId: string) => Promise<unknown>;
}

/** Tries against other requests for the same instance. */
const MAX_CLAIMS = 10;

export function createInstancePlace({ index, current, cancel }: InstancePlaceDeps): InstancePlace {
  async function standing(sessionId: string | null): Promise<Session | null> {
    const session = sessionId === null ? null : await current(sessionId);
    return session === null || isTerminal(session) ? null : session;
  }

  return {
    live: async (tenantId, instanceId) => standing(await index.current(tenantId, instanceId)),

    async take(session, mayReplace) {
      let expected = await index.current(session.tenantId, session.instanceId);
      for (let attempt = 0; attempt < MAX_CLAIMS; attempt++) {
        const live = expected === session.id ? null : await standing(expected); // its own place is its own, live or not
        if (live !== null) {
          if (!mayReplace || live.instanceKey === session.instanceKey) return live;
          // Other credentials for the same instance: the earlier ones were wrong or are no more.
          await cancel(live.id);
        }
        const winner = await index.claim(session, expected);
        if (winner === session.id) return session;
        expected = winner === '' ? null : winner;
      }
      throw new RefusedError('unavailable', 'too many requests for this instance at once; try again', { retryAfterMs: 1_000 });
    },
  };
}
