/**
 * Which of a tenant's connected instances are to be checked, and when. A set in Redis per tenant, by the next moment. What `connected-instances.ts`
 * adds to it has no moment yet; `plan` gives it one. One worker at a time works on a tenant; a claim that its worker did not
 * settle comes again when its lease ends.
 */

import { CHECK_LATE_MS, nextCheckAt } from '@qrcast/core/connected-check';
import type { Redis } from 'ioredis';
import type { Clock } from '../redis/clock.ts';
import { checksEveryKey, checksKey, type Namespace } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';

export interface CheckClaim {
  readonly instanceId: string;
  readonly leaseUntil: number;
}

export interface CheckQueue {
  /** Chooses the moment of those that have none, were made with another interval, or whose moment is over and will not be made up for. */
  plan(tenantId: string, everyMs: number): Promise<void>;
  claim(tenantId: string, limit: number): Promise<readonly CheckClaim[]>;
  /** Sets the next moment, half an interval from now or at `notBefore` (Unix ms) at the earliest. Null: the instance is checked no more. */
  settle(tenantId: string, claim: CheckClaim, next: { readonly everyMs: number; readonly notBefore: number } | null): Promise<void>;
  /** In how many ms the next is due; null if there is none. */
  nextIn(tenantId: string): Promise<number | null>;
}

export interface CheckQueueDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: Redis;
  readonly namespace: Namespace;
  readonly clock: Pick<Clock, 'now'>;
}

/** Longer than a batch of checks takes. */
const LEASE_MS = 30_000;
const PLANNED_AT_ONCE = 500;

export function createCheckQueue({ redis, namespace, clock }: CheckQueueDeps): CheckQueue {
  const claimScript = loadLuaScript(redis, new URL('../outbox/outbox-claim-1.lua', import.meta.url));
  const settleScript = loadLuaScript(redis, new URL('../outbox/outbox-settle-1.lua', import.meta.url));

  /** With another interval all moments are chosen anew. */
  async function forgetOtherInterval(tenantId: string, everyMs: number): Promise<void> {
    const [key, every] = [checksKey(namespace, tenantId), checksEveryKey(namespace, tenantId)];
    if ((await redis.get(every)) === String(everyMs)) return;
    await redis.zunionstore(key, 1, key, 'WEIGHTS', 0);
    await redis.set(every, everyMs);
  }

  return {
    async plan(tenantId, everyMs) {
      await forgetOtherInterval(tenantId, everyMs);
      const key = checksKey(namespace, tenantId);
      for (;;) {
        const now = clock.now();
        const late = await redis.zrange(key, '-inf', `(${now - CHECK_LATE_MS}`, 'BYSCORE', 'LIMIT', 0, PLANNED_AT_ONCE);
        if (late.length === 0) return;
        const moments = late.flatMap((instanceId) => [nextCheckAt({ tenantId, instanceId }, everyMs, now), instanceId]);
        await redis.zadd(key, 'XX', ...moments); // not those that were taken out meanwhile
      }
    },

    async claim(tenantId, limit) {
      const [leaseUntil, found] = (await claimScript([checksKey(namespace, tenantId)], [limit, LEASE_MS])) as [number, string[]];
      return Array.from({ length: found.length / 2 }, (_, i) => ({ instanceId: found[2 * i] ?? '', leaseUntil }));
    },

    async settle(tenantId, { instanceId, leaseUntil }, next) {
      const now = clock.now();
      // After a late check the following moment may be near. So one is left out rather than two made at once.
      const after = next === null ? 0 : Math.max(now + next.everyMs / 2, next.notBefore);
      const at = next === null ? null : nextCheckAt({ tenantId, instanceId }, next.everyMs, after);
      await settleScript([checksKey(namespace, tenantId)], [instanceId, leaseUntil, at === null ? '' : at - now]);
    },

    async nextIn(tenantId) {
      const [, score] = await redis.zrange(checksKey(namespace, tenantId), 0, '0', 'WITHSCORES');
      return score === undefined ? null : Math.max(0, Number(score) - clock.now());
    },
  };
}
