/**
 * Which of a tenant's connected instances are to be checked, and when: a set in Redis per tenant,
 * ordered by the time of the next check. Instances that connected-instances.ts adds have no time
 * yet; `plan` chooses it. One worker at a time works on a tenant. A claim that is not settled comes
 * again when its lease ends.
 */

import { CHECK_LATE_MS, nextCheckAt } from '@qrcast/core/connected-check';
import type { MeasuredClock } from '../redis/clock.ts';
import { checksEveryKey, checksKey, type Namespace } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { takeInTime } from '../redis/take-in-time.ts';

export interface CheckClaim {
  readonly instanceId: string;
  readonly leaseUntil: number;
}

export interface CheckQueue {
  /**
   * Chooses a time for instances that have none, have one by another interval, or missed theirs. A
   * missed check is not made up for.
   */
  plan(tenantId: string, everyMs: number): Promise<void>;
  claim(tenantId: string, limit: number): Promise<readonly CheckClaim[]>;
  /**
   * Sets the next time: at the earliest half an interval from now, and not before `notBefore` (Unix
   * ms). Null: the instance is not checked any more.
   */
  settle(tenantId: string, claim: CheckClaim, next: { readonly everyMs: number; readonly notBefore: number } | null): Promise<void>;
  /** In how many ms the next check is due. Null if there is none. */
  nextIn(tenantId: string): Promise<number | null>;
}

export interface CheckQueueDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly clock: MeasuredClock;
}

/** Longer than a batch of checks takes. */
const LEASE_MS = 30_000;
const PLANNED_AT_ONCE = 500;

// One closure: a method for each call of the interface, over the same keys.
export function createCheckQueue({ redis, namespace, clock }: CheckQueueDeps): CheckQueue {
  const claimScript = loadLuaScript(redis, new URL('../outbox/outbox-claim-1.lua', import.meta.url));
  const settleScript = loadLuaScript(redis, new URL('../outbox/outbox-settle-1.lua', import.meta.url));

  /** If the interval has changed, all times are chosen again. */
  async function forgetOtherInterval(tenantId: string, everyMs: number): Promise<void> {
    const [key, every] = [checksKey(namespace, tenantId), checksEveryKey(namespace, tenantId)];
    if ((await redis.get(every)) === String(everyMs)) return;
    await redis.call('ZUNIONSTORE', key, 1, key, 'WEIGHTS', 0);
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
        await redis.zadd(key, 'XX', ...moments); // without those that were removed meanwhile
      }
    },

    async claim(tenantId, limit) {
      const [, leaseUntil, found] = await takeInTime<[number, number, string[]]>(clock, (notAfter) =>
        claimScript([checksKey(namespace, tenantId)], [limit, LEASE_MS, 0, notAfter]),
      );
      return Array.from({ length: found.length / 2 }, (_, i) => ({ instanceId: found[2 * i] ?? '', leaseUntil }));
    },

    async settle(tenantId, { instanceId, leaseUntil }, next) {
      const now = clock.now();
      // After a late check the next regular time may be near. It is skipped, so that two checks do
      // not follow at once.
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
