/** The sessions that the console knows, and those that fit its filter. Pure. */

import type { Overview, OverviewSession } from '@qrcast/core/overview';

export interface Known {
  readonly sessions: ReadonlyMap<string, OverviewSession>;
  readonly isCut: boolean;
  /** The gateway's clock minus ours, ms. */
  readonly aheadMs: number;
}

export const NOTHING_KNOWN: Known = { sessions: new Map(), isCut: false, aheadMs: 0 };

export interface Filter {
  readonly text: string;
  /** '' for all, `live` for all but those that ended. */
  readonly state: string;
  /** '' for all. */
  readonly tenantId: string;
}

export const NO_FILTER: Filter = { text: '', state: '', tenantId: '' };

/** @param now of our clock, Unix ms */
export function learn(known: Known, overview: Overview, now: number): Known {
  const sessions = new Map(overview.isFirst ? [] : known.sessions);
  for (const session of overview.sessions) sessions.set(session.id, session);
  for (const id of overview.gone) sessions.delete(id);
  return { sessions, isCut: overview.isCut, aheadMs: overview.at - now };
}

export const isOver = ({ state }: Pick<OverviewSession, 'state'>): boolean => state === 'ended';

/** Newest first; those that ended come last. */
export function choose({ sessions }: Known, { text, state, tenantId }: Filter): readonly OverviewSession[] {
  const wanted = text.trim().toLowerCase();
  const fits = (session: OverviewSession): boolean =>
    (tenantId === '' || session.tenantId === tenantId) &&
    (state === '' || (state === 'live' ? !isOver(session) : session.state === state)) &&
    [session.id, session.instanceId, session.reference ?? '', session.tenantId].some((field) => field.toLowerCase().includes(wanted));
  return [...sessions.values()]
    .filter(fits)
    .sort((a, b) => Number(isOver(a)) - Number(isOver(b)) || b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
}

export function tenantsIn({ sessions }: Known): readonly string[] {
  return [...new Set([...sessions.values()].map(({ tenantId }) => tenantId))].sort();
}
