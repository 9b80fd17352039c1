/**
 * Ended sessions can be read until they expire, but a tenant could end as many as it may make calls. So beside as many as it may have live
 * ones only as many again are kept, and `DEFAULT_KEPT.least` at least; of what is beyond, the oldest go.
 */

import { isTerminal, type Session } from '@qrcast/core/session';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { LimitOf } from '../limits/tenant-limits.ts';
import type { Tenant } from '../tenants/tenants.ts';
import type { SessionIndex } from './session-index.ts';
import type { LiveSessions } from './session-quota.ts';

export interface KeptSessions {
  /** To be called when one was added: `count` is how many the tenant has then, live ones included. */
  trim(tenant: Pick<Tenant, 'id' | 'limits'>, count: number): Promise<void>;
}

export interface Kept {
  /** Ended sessions of a tenant, however few live ones it may have. */
  readonly least: number;
  /** So many beyond are let be: a look at the list is not worth it for each. */
  readonly slack: number;
}

export const DEFAULT_KEPT: Kept = { least: 1_000, slack: 100 };

export interface KeptSessionsDeps {
  readonly index: Pick<SessionIndex, 'oldest' | 'forget'>;
  readonly sessions: Pick<Sessions, 'remove'>;
  readonly liveSessions: Pick<LiveSessions, 'remove'>;
  /** The session as it is now. */
  readonly current: (sessionId: string) => Promise<Session | null>;
  readonly limitOf: LimitOf;
  readonly kept?: Kept | undefined;
}

/** Of those looked at most are ended, unless a tenant's live ones are older than all others: then the next look begins behind them. */
const LOOK_COUNT = 200;

export function createKeptSessions({
  index,
  sessions,
  liveSessions,
  current,
  limitOf,
  kept = DEFAULT_KEPT,
}: KeptSessionsDeps): KeptSessions {
  /** Where the next look begins; no more tenants than the operator has made. */
  const from = new Map<string, number>();
  const looking = new Set<string>();

  /** Unless it was resumed since it was read. */
  async function remove(session: Session): Promise<boolean> {
    if (!(await sessions.remove(session))) return false;
    await Promise.all([liveSessions.remove(session), index.forget(session)]);
    return true;
  }

  async function look(tenantId: string, excess: number): Promise<void> {
    const start = from.get(tenantId) ?? 0;
    const ids = await index.oldest(tenantId, start, LOOK_COUNT);
    const found = await Promise.all(ids.map(current));
    const stale = ids.filter((_, i) => found[i] === null).map((id) => ({ tenantId, id, reference: null }));
    const ended = found.filter((session) => session !== null && isTerminal(session)) as Session[]; // the filter says so
    const gone = stale.slice(0, excess);
    await Promise.all(gone.map(index.forget));
    const removed = await Promise.all(ended.slice(0, excess - gone.length).map(remove));
    const dropped = gone.length + removed.filter(Boolean).length;
    from.set(tenantId, ids.length < LOOK_COUNT ? 0 : start + ids.length - dropped);
  }

  return {
    async trim(tenant, count) {
      const live = limitOf(tenant, 'sessions');
      const excess = count - live - Math.max(live, kept.least);
      if (excess <= kept.slack || looking.has(tenant.id)) return;
      looking.add(tenant.id);
      try {
        await look(tenant.id, excess);
      } finally {
        looking.delete(tenant.id);
      }
    },
  };
}
