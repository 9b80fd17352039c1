/**
 * Bounds how many viewers watch a tenant's sessions, hidden ones included, over all gateways. Each
 * gateway writes its own counts to Redis under a lease (viewer-quota-take-2.lua), so the viewers of
 * a gateway that died stop counting when its lease ends.
 */

import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { gatewaysOfTenantKey, viewersOfTenantKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import type { Tenant } from '../tenants/tenants.ts';
import { type LimitOf, quotaExceeded } from './tenant-limits.ts';

export interface ViewerQuota {
  /**
   * Counts a viewer until the returned undo is called; idempotent. @throws {RefusedError}
   * `tenant_limit_reached`.
   */
  take(tenant: Pick<Tenant, 'id' | 'limits'>, sessionId: string): Promise<() => void>;
  close(): void;
}

export interface ViewerQuotaDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly gatewayId: string;
  /** A lease ends after this unless it is renewed. It is renewed three times within. */
  readonly lastsMs: number;
  readonly limitOf: LimitOf;
}

/** This gateway's viewers of one tenant. */
interface Counts {
  total: number;
  readonly ofSession: Map<string, number>;
  /** Redis may hold other numbers. */
  isUnsure: boolean;
}

/** Limits of the tenant and of the session; '' for none. */
type Limits = readonly [tenant: number | '', session: number | ''];

/** Answers of the script that takes. */
const TENANT_IS_FULL = 2;
const SESSION_IS_FULL = 3;
const OTHERS_ARE_LOST = 4;
const RENEWALS_PER_LEASE = 3;
const NO_LIMITS: Limits = ['', ''];

export function openViewerQuota(deps: ViewerQuotaDeps): ViewerQuota {
  const { log, lastsMs, limitOf } = deps;
  const counts = createSharedCounts(deps);

  const timer = setInterval(() => {
    counts
      .renewAll()
      .catch((error: unknown) => log.warn(errorFields(error), 'the counts of viewers were not renewed; the next round tries again'));
  }, lastsMs / RENEWALS_PER_LEASE);

  return {
    async take(tenant, sessionId) {
      const limits = [limitOf(tenant, 'viewers'), limitOf(tenant, 'viewersPerSession')] as const;
      // Counted before anything is awaited, so that a viewer who comes at the same moment counts
      // it, too.
      const ofTenant = counts.add(tenant.id, sessionId, 1);
      let isTaken = true;
      function undo(): void {
        if (isTaken) counts.remove(tenant.id, sessionId);
        isTaken = false;
      }
      try {
        const answer = await counts.write(tenant.id, sessionId, ofTenant, limits);
        if (answer === TENANT_IS_FULL) throw quotaExceeded('viewers', limits[0]);
        if (answer === SESSION_IS_FULL) throw quotaExceeded('viewersPerSession', limits[1]);
        return undo;
      } catch (error) {
        undo();
        throw error;
      }
    },
    close: () => clearInterval(timer),
  };
}

interface SharedCounts {
  /** Counts in memory; `write` follows. Returns the counts of the tenant. */
  add(tenantId: string, sessionId: string, change: 1 | -1): Counts;
  /**
   * Writes the counts as they are now, unless a limit refuses them. Resolves to the script's
   * answer.
   */
  write(tenantId: string, sessionId: string, counts: Counts, limits: Limits): Promise<number>;
  /** Counts a viewer less, and writes that, now or with the next renewal. */
  remove(tenantId: string, sessionId: string): void;
  /**
   * Renews the leases, and writes again whatever Redis may not hold. Rejects where Redis is
   * unreachable.
   */
  renewAll(): Promise<void>;
}

/** This gateway's counts, in memory and in Redis. */
function createSharedCounts({ redis, namespace, clock, gatewayId, lastsMs }: ViewerQuotaDeps): SharedCounts {
  const takeScript = loadLuaScript(redis, new URL('./viewer-quota-take-2.lua', import.meta.url));
  const renewScript = loadLuaScript(redis, new URL('./viewer-quota-renew-2.lua', import.meta.url));
  const tenants = new Map<string, Counts>();

  const keysOf = (tenantId: string): string[] => [gatewaysOfTenantKey(namespace, tenantId), viewersOfTenantKey(namespace, tenantId)];
  function add(tenantId: string, sessionId: string, change: 1 | -1): Counts {
    const counts = tenants.get(tenantId) ?? { total: 0, ofSession: new Map<string, number>(), isUnsure: false };
    tenants.set(tenantId, counts);
    counts.total += change;
    counts.ofSession.set(sessionId, (counts.ofSession.get(sessionId) ?? 0) + change);
    return counts;
  }

  async function write(tenantId: string, sessionId: string, counts: Counts, limits: Limits): Promise<number> {
    const now = clock.now();
    const numbers = [counts.total, counts.ofSession.get(sessionId) ?? 0];
    const answer = Number(await takeScript(keysOf(tenantId), [gatewayId, now, now + lastsMs, sessionId, ...limits, ...numbers]));
    if (answer === OTHERS_ARE_LOST) counts.isUnsure = true; // written again with the next renewal
    // A zero is kept in memory until Redis has it, so that it can be written again.
    if (counts.ofSession.get(sessionId) === 0) counts.ofSession.delete(sessionId);
    if (counts.ofSession.size === 0 && tenants.get(tenantId) === counts) tenants.delete(tenantId);
    return answer;
  }

  async function renew(tenantId: string, counts: Counts): Promise<void> {
    try {
      const isKnown = (await renewScript(keysOf(tenantId), [gatewayId, clock.now() + lastsMs, counts.total])) === 1;
      if (isKnown && !counts.isUnsure) return;
      counts.isUnsure = false;
      await Promise.all([...counts.ofSession.keys()].map((sessionId) => write(tenantId, sessionId, counts, NO_LIMITS)));
    } catch (error) {
      counts.isUnsure = true;
      throw error;
    }
  }

  return {
    add,
    write,
    remove(tenantId, sessionId) {
      const counts = add(tenantId, sessionId, -1);
      write(tenantId, sessionId, counts, NO_LIMITS).catch(() => {
        counts.isUnsure = true; // Redis is unreachable: written again with the next renewal
      });
    },
    async renewAll() {
      await Promise.all([...tenants].map(([tenantId, counts]) => renew(tenantId, counts)));
    },
  };
}
