/** Reads the sessions at places, as they are now. Nothing is written: a look changes no session. */

import type { Place } from '@qrcast/core/newest';
import { elapsedTo, type OverviewSession, toOverviewSession } from '@qrcast/core/overview';
import type { Policy } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { ViewerCounts } from '../sessions/visible-viewers.ts';

/**
 * Resolves to the sessions at the places that `isMeant` names, in their order. A place whose record is
 * gone, or cannot be read, is left out.
 */
export type ReadSessions = (places: readonly Place[], isMeant: (session: Session) => boolean) => Promise<readonly OverviewSession[]>;

export interface ReadSessionsDeps {
  readonly sessions: Pick<Sessions, 'find'>;
  readonly viewerCounts: Pick<ViewerCounts, 'read'>;
  readonly clock: Clock;
  readonly policy: Policy;
}

/** Their commands go out together. */
const READ_AT_ONCE = 100;

export function createReadSessions({ sessions, viewerCounts, clock, policy }: ReadSessionsDeps): ReadSessions {
  async function find({ id, tenantId }: Place): Promise<Session | null> {
    const session = await sessions.find(id);
    return session === null || session.tenantId !== tenantId ? null : elapsedTo(policy, session, clock.now());
  }

  return async (places, isMeant) => {
    const read: OverviewSession[] = [];
    for (let i = 0; i < places.length; i += READ_AT_ONCE) {
      const found = await Promise.all(places.slice(i, i + READ_AT_ONCE).map(find));
      const meant = found.filter((session) => session !== null && isMeant(session)) as Session[]; // the filter says so
      read.push(...(await Promise.all(meant.map(async (session) => toOverviewSession(session, await viewerCounts.read(session.id))))));
    }
    return read;
  };
}
