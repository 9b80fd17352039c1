/** What people look at to see what goes on. Nothing here watches a session. */

import { createFairSessions, createNewestSessions } from '../overview/newest-sessions.ts';
import { type Overview, openOverview } from '../overview/overview.ts';
import { createOverviewSlots, type OverviewSlots } from '../overview/overview-slots.ts';
import { createReadSessions } from '../overview/read-sessions.ts';
import { createSessionPages, type SessionPages } from '../overview/session-pages.ts';
import type { SessionParts } from './sessions.ts';
import type { Shared } from './shared.ts';

export interface OverviewParts {
  readonly overview: Overview;
  readonly overviewSlots: OverviewSlots;
  readonly sessionPages: SessionPages;
}

export function openOverviewParts(shared: Shared, { viewerCounts }: SessionParts): OverviewParts {
  const readSessions = createReadSessions({ ...shared, viewerCounts });
  const overview = openOverview({ ...shared, fairSessions: createFairSessions(shared), readSessions });
  shared.releasers.push('overview', () => overview.close());
  const sessionPages = createSessionPages(createNewestSessions(shared), readSessions);
  return { overview, overviewSlots: createOverviewSlots(), sessionPages };
}
