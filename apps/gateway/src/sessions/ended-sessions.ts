/**
 * Bounds the ended sessions of a tenant. They can be read until they expire, but a tenant can end
 * one with every call. It keeps as many ended sessions as its `sessions` limit, and at least
 * `DEFAULT_KEPT.least`. Beyond that the oldest are deleted.
 */

import { isTerminal, type Session } from '@qrcast/core/session';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { LimitOf } from '../limits/tenant-limits.ts';
import type { Tenant } from '../tenants/tenants.ts';
import type { SessionIndex } from './session-index.ts';
import type { SessionQuota } from './session-quota.ts';

export interface EndedSessions {
  /**
   * Call it when a session was added. `count` is how many the tenant has then, live ones included.
   */
  trim(tenant: Pick<Tenant, 'id' | 'limits'>, count: number): Promise<void>;
}

export interface Kept {
  /** Ended sessions that a tenant keeps, however low its limit. */
  readonly least: number;
  /** How many more may stand before the list is looked at: a look is not worth it for each one. */
  readonly slack: number;
}

const DEFAULT_KEPT: Kept = { least: 1_000, slack: 100 };

export interface EndedSessionsDeps {
  readonly index: Pick<SessionIndex, 'oldest' | 'forget'>;
  readonly sessions: Pick<Sessions, 'remove'>;
  readonly sessionQuota: Pick<SessionQuota, 'remove'>;
  /** The session as it is now. */
  readonly current: (sessionId: string) => Promise<Session | null>;
  readonly limitOf: LimitOf;
  readonly kept?: Kept | undefined;
}

/**
 * Of one look. If these are mostly live, because a tenant's oldest sessions are live, the next look
 * begins behind them.
 */
const LOOK_COUNT = 200;

export function createEndedSessions(deps: EndedSessionsDeps): EndedSessions {
  const { index, current, limitOf, kept = DEFAULT_KEPT } = deps;
  /**
   * Where the next look at a tenant's list begins. It has as many entries as there are tenants at
   * most.
   */
  const from = new Map<string, number>();
  const looking = new Set<string>();

  async function look(tenantId: string, excess: number): Promise<void> {
    const start = from.get(tenantId) ?? 0;
    const ids = await index.oldest(tenantId, start, LOOK_COUNT);
    const found = await Promise.all(ids.map(current));
    const stale = ids.filter((_, i) => found[i] === null).map((id) => ({ tenantId, id, reference: null }));
    const ended = found.filter((session) => session !== null && isTerminal(session)) as Session[]; // the filter says so
    const gone = stale.slice(0, excess);
    await Promise.all(gone.map(index.forget));
    const removed = await Promise.all(ended.slice(0, excess - gone.length).map((session) => remove(deps, session)));
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

/** False if the session was changed since it was read, as by a resume. */
async function remove({ sessions, sessionQuota, index }: EndedSessionsDeps, session: Session): Promise<boolean> {
  if (!(await sessions.remove(session))) return false;
  await Promise.all([sessionQuota.remove(session), index.forget(session)]);
  return true;
}
