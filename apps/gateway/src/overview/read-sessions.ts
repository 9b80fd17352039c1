/** Reads the sessions at places, as they are now. Nothing is written: a look changes no session. */

import type { Place } from '@qrcast/core/newest';
import { elapsedTo, type OverviewSession, toOverviewSession } from '@qrcast/core/overview';
import type { Policy } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { ViewerCounts } from '../sessions/visible-viewers.ts';

export interface ReadSessions {
  /** In the order of the places. A place whose record is gone, or cannot be read, is left out. */
  find(places: readonly Place[]): Promise<readonly Session[]>;
  /** With the viewers that each has now. */
  show(sessions: readonly Session[]): Promise<readonly OverviewSession[]>;
}

export interface ReadSessionsDeps {
  readonly sessions: Pick<Sessions, 'find'>;
  readonly viewerCounts: Pick<ViewerCounts, 'read'>;
  readonly clock: Clock;
  readonly policy: Policy;
}

/** Their commands go out together. */
const READ_AT_ONCE = 100;

export function createReadSessions({ sessions, viewerCounts, clock, policy }: ReadSessionsDeps): ReadSessions {
  async function findOne({ id, tenantId }: Place): Promise<Session | null> {
    const session = await sessions.find(id);
    return session === null || session.tenantId !== tenantId ? null : elapsedTo(policy, session, clock.now());
  }

  return {
    async find(places) {
      const found = await inBatches(places, findOne);
      return found.filter((session) => session !== null);
    },
    show: (found) => inBatches(found, async (session) => toOverviewSession(session, await viewerCounts.read(session.id))),
  };
}

async function inBatches<Item, Result>(items: readonly Item[], read: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let i = 0; i < items.length; i += READ_AT_ONCE) results.push(...(await Promise.all(items.slice(i, i + READ_AT_ONCE).map(read))));
  return results;
}
