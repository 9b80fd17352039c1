/**
 * How many live sessions a tenant has, over all gateways: a set in Redis. A gateway that sees a
 * session end removes it from the set. Ends that no gateway saw are looked for when the quota is
 * full, and an expired session falls out by itself.
 */

import { isFinal, isTerminal, type Session } from '@qrcast/core/session';
import type { SessionFacts } from '@qrcast/core/session-facts';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { liveSessionsKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import type { WatchedState } from '@qrcast/runtime/sessions/published-state';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import { type LimitOf, quotaExceeded } from '../limits/tenant-limits.ts';
import type { Tenant } from '../tenants/tenants.ts';

type Limited = Pick<Tenant, 'id' | 'limits'>;

export interface SessionQuota {
  /**
   * Counts a session that is about to be made, for half a minute. `replaced` is a live session that
   * will end for it, and is no longer counted. Resolves to a function that takes this back, and
   * counts `replaced` again if it is still live.
   * @throws {RefusedError} `tenant_limit_reached`.
   */
  claim(tenant: Limited, sessionId: string, replaced: Session | null): Promise<() => Promise<void>>;
  /**
   * Counts the session until it expires, whether it was claimed before or not. @throws
   * {RefusedError} `tenant_limit_reached`.
   */
  keep(tenant: Limited, session: Session): Promise<void>;
  /** Counts a session that lives on, whatever the limit is. */
  restore(session: Session): Promise<void>;
  /** Call it when the session was seen ended. */
  leave(session: SessionFacts): void;
  /** Removes a session whose record is gone. */
  remove(session: Pick<Session, 'id' | 'tenantId'>): Promise<void>;
}

export interface SessionQuotaDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Clock;
  readonly sessions: Pick<Sessions, 'find'>;
  readonly limitOf: LimitOf;
}

/** A gateway that dies while it makes a session leaves its claim behind for this long. */
const CLAIM_MS = 30_000;
/**
 * If a tenant is at its limit, each gateway looks for unseen ends at most this often, at this many
 * of its sessions.
 */
const SWEEP_EVERY_MS = 1_000;
const SWEEP_COUNT = 500;

export function createSessionQuota(deps: SessionQuotaDeps): SessionQuota {
  const { redis, namespace, clock, sessions, limitOf } = deps;
  const script = loadLuaScript(redis, new URL('./live-claim-1.lua', import.meta.url));
  const sweep = createSweep(deps);

  async function count(tenant: Limited, sessionId: string, until: number, replaced = ''): Promise<void> {
    const limit = limitOf(tenant, 'sessions');
    const take = async (): Promise<boolean> =>
      (await script([liveSessionsKey(namespace, tenant.id)], [sessionId, until, clock.now(), limit, replaced])) === 1;
    if ((await take()) || ((await sweep(tenant.id)) && (await take()))) return;
    throw quotaExceeded('sessions', limit);
  }

  async function restore({ id, tenantId, expiresAt }: Session): Promise<void> {
    await script([liveSessionsKey(namespace, tenantId)], [id, expiresAt, clock.now(), Number.MAX_SAFE_INTEGER, '']);
  }

  async function remove({ id, tenantId }: Pick<Session, 'id' | 'tenantId'>): Promise<void> {
    await redis.zrem(liveSessionsKey(namespace, tenantId), id);
  }

  return {
    async claim(tenant, sessionId, replaced) {
      await count(tenant, sessionId, clock.now() + CLAIM_MS, replaced?.id);
      return async () => {
        await remove({ id: sessionId, tenantId: tenant.id });
        const former = replaced === null ? null : await sessions.find(replaced.id);
        if (former !== null && !isTerminal(former)) await restore(former);
      };
    },
    keep: (tenant, session) => count(tenant, session.id, session.expiresAt),
    restore,
    remove,
    leave: (session) => void removeEnded({ sessions, remove }, session).catch(() => undefined), // Redis is unreachable; a sweep finds the session later
  };
}

/** A session whose end can be resumed may be live again, so it is read again first. */
async function removeEnded(
  { sessions, remove }: Pick<SessionQuotaDeps, 'sessions'> & Pick<SessionQuota, 'remove'>,
  session: SessionFacts,
): Promise<void> {
  const now = isFinal(session) ? session : await sessions.find(session.id);
  if (now === null || isTerminal(now)) await remove(session);
}

interface Sweep {
  readonly at: number;
  /** Where the next one begins. */
  readonly from: number;
}

/** Removes sessions that ended unseen. False if there was none, or the last sweep was just now. */
function createSweep({ redis, namespace, sessions }: SessionQuotaDeps): (tenantId: string) => Promise<boolean> {
  /** As many entries as there are tenants at most. */
  const sweeps = new Map<string, Sweep>();
  return async (tenantId) => {
    const last = sweeps.get(tenantId) ?? { at: 0, from: 0 };
    const now = performance.now();
    if (last.at !== 0 && now - last.at < SWEEP_EVERY_MS) return false;
    sweeps.set(tenantId, { at: now, from: last.from });
    const key = liveSessionsKey(namespace, tenantId);
    const ids = await redis.zrange(key, `${last.from}`, `${last.from + SWEEP_COUNT - 1}`);
    const found = await Promise.all(ids.map((id) => sessions.find(id)));
    // One without a record is being made; its claim ends by itself.
    const ended = found.flatMap((session) => (session !== null && isTerminal(session) ? [session.id] : []));
    if (ended.length > 0) await redis.zrem(key, ...ended);
    sweeps.set(tenantId, { at: now, from: ids.length < SWEEP_COUNT ? 0 : last.from + SWEEP_COUNT - ended.length });
    return ended.length > 0;
  };
}

/** The same sessions; `onEnd` is told of each that is seen to have ended. */
export function noticeEnds(sessions: Sessions, onEnd: (session: SessionFacts) => void): Sessions {
  function notice(session: SessionFacts | null): void {
    if (session !== null && isTerminal(session)) onEnd(session);
  }
  return {
    ...sessions,
    async apply(...call) {
      const session = await sessions.apply(...call);
      notice(session);
      return session;
    },
    async change(...call) {
      const change = await sessions.change(...call);
      notice(change?.after ?? null);
      return change;
    },
    async current(...call) {
      const change = await sessions.current(...call);
      if (change !== null && change.after !== change.before) notice(change.after); // else it had ended before, and that was noticed then
      return change;
    },
    watch(sessionId, onChange, onOlder) {
      const noticed = (snapshot: WatchedState): void => {
        notice(snapshot.session);
        onChange(snapshot);
      };
      return sessions.watch(sessionId, noticed, onOlder);
    },
  };
}
