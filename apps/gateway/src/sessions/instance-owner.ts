/**
 * An instance has at most one live session of a tenant. A session that is made or resumed becomes
 * the owner of its instance, or finds the live session that is.
 */

import { RefusedError } from '@qrcast/core/errors';
import { isTerminal, type Session } from '@qrcast/core/session';
import type { SessionIndex } from './session-index.ts';

export interface InstanceOwner {
  /** The live session of the instance. Null if there is none. */
  live(tenantId: string, instanceId: string): Promise<Session | null>;
  /**
   * Makes the session the owner of its instance. Resolves to the session that is the owner then:
   * another live session keeps its instance. With `mayReplace`, a live session with other
   * credentials is cancelled instead. A new request brings newer credentials; a resumed session
   * would bring older ones.
   */
  claim(session: Session, mayReplace: boolean): Promise<Session>;
}

export interface InstanceOwnerDeps {
  readonly index: Pick<SessionIndex, 'current' | 'claim'>;
  /** The session as it is now. */
  readonly current: (sessionId: string) => Promise<Session | null>;
  readonly cancel: (sessionId: string) => Promise<unknown>;
}

/** Tries against other requests for the same instance. */
const MAX_CLAIMS = 10;

export function createInstanceOwner({ index, current, cancel }: InstanceOwnerDeps): InstanceOwner {
  async function standing(sessionId: string | null): Promise<Session | null> {
    const session = sessionId === null ? null : await current(sessionId);
    return session === null || isTerminal(session) ? null : session;
  }

  return {
    live: async (tenantId, instanceId) => standing(await index.current(tenantId, instanceId)),

    async claim(session, mayReplace) {
      let expected = await index.current(session.tenantId, session.instanceId);
      for (let attempt = 0; attempt < MAX_CLAIMS; attempt++) {
        const live = expected === session.id ? null : await standing(expected); // it owns the instance already
        if (live !== null) {
          if (!mayReplace || live.instanceKey === session.instanceKey) return live;
          // The credentials differ, so the earlier ones were wrong, or have been replaced at the
          // provider.
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
