/**
 * How many watch a tenant's sessions, hidden ones as well, over all gateways: each notes its own counts under a lease (places-take-2.lua).
 * One that died counts no more when its lease is over.
 */

import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { gatewaysOfTenantKey, viewersOfTenantKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { Redis } from 'ioredis';
import type { Tenant } from '../tenants/tenants.ts';
import { type LimitOf, noPlaceLeft } from './tenant-limits.ts';

export interface ViewerPlaces {
  /** Until the returned undo is called; idempotent. @throws {RefusedError} `tenant_limit_reached`. */
  take(tenant: Pick<Tenant, 'id' | 'limits'>, sessionId: string): Promise<() => void>;
  close(): void;
}

export interface ViewerPlacesDeps {
  readonly redis: Redis;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly gatewayId: string;
  /** A lease that is not renewed ends after this; renewed three times within. */
  readonly lastsMs: number;
  readonly limitOf: LimitOf;
}

/** This gateway's viewers of one tenant. */
interface Places {
  total: number;
  readonly ofSession: Map<string, number>;
  /** What is noted in Redis may not be this. */
  isUnsure: boolean;
}

/** What the script answers. */
const TENANT_IS_FULL = 2;
const SESSION_IS_FULL = 3;
const OTHERS_ARE_LOST = 4;
const RENEWALS_PER_LEASE = 3;
const ANY = '';

export function openViewerPlaces(deps: ViewerPlacesDeps): ViewerPlaces {
  const { redis, namespace, clock, log, gatewayId, lastsMs, limitOf } = deps;
  const takeScript = loadLuaScript(redis, new URL('./places-take-2.lua', import.meta.url));
  const renewScript = loadLuaScript(redis, new URL('./places-renew-2.lua', import.meta.url));
  const tenants = new Map<string, Places>();

  const keysOf = (tenantId: string): string[] => [gatewaysOfTenantKey(namespace, tenantId), viewersOfTenantKey(namespace, tenantId)];

  function add(tenantId: string, sessionId: string, change: 1 | -1): Places {
    const places = tenants.get(tenantId) ?? { total: 0, ofSession: new Map<string, number>(), isUnsure: false };
    tenants.set(tenantId, places);
    places.total += change;
    places.ofSession.set(sessionId, (places.ofSession.get(sessionId) ?? 0) + change);
    return places;
  }

  /** Notes the counts as they are now, unless they pass a limit. */
  async function note(tenantId: string, sessionId: string, places: Places, limits: readonly (number | typeof ANY)[]): Promise<number> {
    const now = clock.now();
    const counts = [places.total, places.ofSession.get(sessionId) ?? 0];
    const answer = Number(await takeScript(keysOf(tenantId), [gatewayId, now, now + lastsMs, sessionId, ...limits, ...counts]));
    if (answer === OTHERS_ARE_LOST) places.isUnsure = true; // noted again with the next renewal
    // Kept until it is noted, so that it can be noted again.
    if (places.ofSession.get(sessionId) === 0) places.ofSession.delete(sessionId);
    if (places.ofSession.size === 0 && tenants.get(tenantId) === places) tenants.delete(tenantId);
    return answer;
  }

  function leave(tenantId: string, sessionId: string): void {
    const places = add(tenantId, sessionId, -1);
    note(tenantId, sessionId, places, [ANY, ANY]).catch(() => {
      places.isUnsure = true; // Redis is out: noted again with the next renewal
    });
  }

  async function renew(tenantId: string, places: Places): Promise<void> {
    try {
      const isKnown = (await renewScript(keysOf(tenantId), [gatewayId, clock.now() + lastsMs, places.total])) === 1;
      if (isKnown && !places.isUnsure) return;
      places.isUnsure = false;
      await Promise.all([...places.ofSession.keys()].map((sessionId) => note(tenantId, sessionId, places, [ANY, ANY])));
    } catch (error) {
      places.isUnsure = true;
      throw error;
    }
  }

  const timer = setInterval(() => {
    Promise.all([...tenants].map(([tenantId, places]) => renew(tenantId, places))).catch((error: unknown) =>
      log.warn(errorFields(error), 'the counts of viewers were not renewed; the next round does'),
    );
  }, lastsMs / RENEWALS_PER_LEASE);

  return {
    async take(tenant, sessionId) {
      const limits = [limitOf(tenant, 'viewers'), limitOf(tenant, 'viewersPerSession')] as const;
      // Before anything is awaited: who comes at the same moment counts this one, too.
      const places = add(tenant.id, sessionId, 1);
      let isTaken = true;
      function undo(): void {
        if (isTaken) leave(tenant.id, sessionId);
        isTaken = false;
      }
      try {
        const answer = await note(tenant.id, sessionId, places, limits);
        if (answer === TENANT_IS_FULL) throw noPlaceLeft('viewers', limits[0]);
        if (answer === SESSION_IS_FULL) throw noPlaceLeft('viewersPerSession', limits[1]);
        return undo;
      } catch (error) {
        undo();
        throw error;
      }
    },
    close: () => clearInterval(timer),
  };
}
