/**
 * How many live sessions a tenant has, over all gateways: a set in Redis. A gateway that sees a session end takes it out; one that nobody saw
 * end is found when there is no place left, and an expired one falls out by itself.
 */

import { isFinal, isTerminal, type Session } from '@qrcast/core/session';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { liveSessionsKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { Redis } from 'ioredis';
import { type LimitOf, quotaExceeded } from '../limits/tenant-limits.ts';
import type { Tenant } from '../tenants/tenants.ts';

export interface LiveSessions {
  /**
   * A place for a session that is about to be made, for half a minute. `replaced`: a live one that will end for it, and whose place it takes.
   * Resolves to what gives the place up again, to `replaced` as long as that is live. @throws {RefusedError} `tenant_limit_reached`.
   */
  claim(tenant: Pick<Tenant, 'id' | 'limits'>, sessionId: string, replaced: Session | null): Promise<() => Promise<void>>;
  /** A place for as long as the session may live, claimed before or not. @throws {RefusedError} `tenant_limit_reached`. */
  keep(tenant: Pick<Tenant, 'id' | 'limits'>, session: Session): Promise<void>;
  /** It lives on, whatever the limit is. */
  restore(session: Session): Promise<void>;
  /** It was seen ended. */
  leave(session: Session): void;
  /** It is no more, whatever it was. */
  remove(session: Pick<Session, 'id' | 'tenantId'>): Promise<void>;
}

export interface LiveSessionsDeps {
  readonly redis: Redis;
  readonly namespace: string;
  readonly clock: Clock;
  readonly sessions: Pick<Sessions, 'find'>;
  readonly limitOf: LimitOf;
}

/** A gateway that dies while it makes a session leaves its claim behind. */
const CLAIM_MS = 30_000;
/** A tenant at its limit has so many of its sessions looked at, so often, by each gateway. */
const SWEEP_EVERY_MS = 1_000;
const SWEEP_COUNT = 500;

interface Sweep {
  readonly at: number;
  /** Where the next one begins. */
  readonly from: number;
}

export function createLiveSessions({ redis, namespace, clock, sessions, limitOf }: LiveSessionsDeps): LiveSessions {
  const script = loadLuaScript(redis, new URL('./live-claim-1.lua', import.meta.url));
  /** No more tenants than the operator has made. */
  const sweeps = new Map<string, Sweep>();

  async function place(tenant: Pick<Tenant, 'id' | 'limits'>, sessionId: string, until: number, replaced = ''): Promise<void> {
    const limit = limitOf(tenant, 'sessions');
    const take = async (): Promise<boolean> =>
      (await script([liveSessionsKey(namespace, tenant.id)], [sessionId, until, clock.now(), limit, replaced])) === 1;
    if ((await take()) || ((await sweep(tenant.id)) && (await take()))) return;
    throw quotaExceeded('sessions', limit);
  }

  /** Takes out what has ended unseen; false if there was nothing of that, or it was looked for just now. */
  async function sweep(tenantId: string): Promise<boolean> {
    const last = sweeps.get(tenantId) ?? { at: 0, from: 0 };
    const now = performance.now();
    if (last.at !== 0 && now - last.at < SWEEP_EVERY_MS) return false;
    sweeps.set(tenantId, { at: now, from: last.from });
    const key = liveSessionsKey(namespace, tenantId);
    const ids = await redis.zrange(key, `${last.from}`, `${last.from + SWEEP_COUNT - 1}`);
    const found = await Promise.all(ids.map((id) => sessions.find(id)));
    // Without a record it is being made; its claim ends by itself.
    const ended = found.flatMap((session) => (session !== null && isTerminal(session) ? [session.id] : []));
    if (ended.length > 0) await redis.zrem(key, ...ended);
    sweeps.set(tenantId, { at: now, from: ids.length < SWEEP_COUNT ? 0 : last.from + SWEEP_COUNT - ended.length });
    return ended.length > 0;
  }

  async function restore({ id, tenantId, expiresAt }: Session): Promise<void> {
    await script([liveSessionsKey(namespace, tenantId)], [id, expiresAt, clock.now(), Number.MAX_SAFE_INTEGER, '']);
  }

  /** One that can be resumed may have been: what was seen of it is looked at again. */
  async function takeOut(session: Session): Promise<void> {
    const now = isFinal(session) ? session : await sessions.find(session.id);
    if (now === null || isTerminal(now)) await remove(session);
  }

  async function remove({ id, tenantId }: Pick<Session, 'id' | 'tenantId'>): Promise<void> {
    await redis.zrem(liveSessionsKey(namespace, tenantId), id);
  }

  return {
    async claim(tenant, sessionId, replaced) {
      await place(tenant, sessionId, clock.now() + CLAIM_MS, replaced?.id);
      return async () => {
        await remove({ id: sessionId, tenantId: tenant.id });
        const former = replaced === null ? null : await sessions.find(replaced.id);
        if (former !== null && !isTerminal(former)) await restore(former);
      };
    },
    keep: (tenant, session) => place(tenant, session.id, session.expiresAt),
    restore,
    remove,
    leave(session) {
      takeOut(session).catch(() => undefined); // Redis is out: the sweep finds it
    },
  };
}

/** The same sessions, with word of each that is seen to end. */
export function noticeEnds(sessions: Sessions, onEnd: (session: Session) => void): Sessions {
  function notice(session: Session | null): void {
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
    watch: (sessionId, onChange) =>
      sessions.watch(sessionId, (snapshot) => {
        notice(snapshot.session);
        onChange(snapshot);
      }),
  };
}
