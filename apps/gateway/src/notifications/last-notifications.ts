/**
 * Remembers when the last notification of each instance came, for the check of its webhook. It is
 * written on the path of notifications, so a gateway writes at most once in 10 s for an instance.
 * Whoever has the webhook token can name any instance, so the number per tenant is bounded.
 */

import { lastNotificationsKey } from '@qrcast/runtime/redis/keys';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';

export interface LastNotifications {
  /**
   * Notes that a notification of the instance came. Never rejects: a notification must not fail
   * because of this.
   */
  note(tenantId: string, instanceId: string): Promise<void>;
  /** Unix ms, up to 10 s behind; null if none came within 7 days. */
  read(tenantId: string, instanceId: string): Promise<number | null>;
}

export interface LastNotificationsDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: { now(): number };
}

const KEEP_MS = 604_800_000;
const WRITE_EVERY_MS = 10_000;
/**
 * Instances remembered for one tenant; the oldest are deleted first. By default a tenant may have
 * as many sessions.
 */
const MAX_INSTANCES = 10_000;
/** Instances that this gateway remembers as written lately, about 100 B each. */
const MAX_WRITTEN = 20_000;

export function createLastNotifications({ redis, namespace, clock }: LastNotificationsDeps): LastNotifications {
  const written = new Map<string, number>();

  /** True if the notification is to be written now. Then it also counts as written. */
  function isDue(name: string, now: number): boolean {
    if (now - (written.get(name) ?? Number.NEGATIVE_INFINITY) < WRITE_EVERY_MS) return false;
    written.delete(name);
    written.set(name, now);
    const [oldest] = written.keys();
    if (written.size > MAX_WRITTEN && oldest !== undefined) written.delete(oldest);
    return true;
  }

  return {
    async note(tenantId, instanceId) {
      const now = Math.floor(clock.now());
      const name = `${tenantId}|${instanceId}`;
      if (!isDue(name, now)) return;
      const key = lastNotificationsKey(namespace, tenantId);
      const changes = redis
        .multi()
        .zadd(key, 'GT', now, instanceId)
        .zremrangebyscore(key, '-inf', now - KEEP_MS);
      changes.zremrangebyrank(key, 0, -MAX_INSTANCES - 1).pexpire(key, KEEP_MS);
      const results = await changes.exec().catch(() => null);
      const isWritten = results?.every(([error]) => error === null) === true;
      // Redis is out or read-only; the next notification tries again
      if (!isWritten) written.delete(name);
    },

    async read(tenantId, instanceId) {
      const at = await redis.zscore(lastNotificationsKey(namespace, tenantId), instanceId);
      return at === null || Number(at) < clock.now() - KEEP_MS ? null : Number(at);
    },
  };
}
