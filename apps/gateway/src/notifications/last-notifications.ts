/**
 * When a notification of each instance came last, for whoever asks whether its webhook works. Written where notifications come in, so a
 * gateway writes at most once in 10 s for an instance. Whoever has the webhook token can name any instance, so a tenant has a bounded number.
 */

import { lastNotificationsKey } from '@qrcast/runtime/redis/keys';
import type { Redis } from 'ioredis';

export interface LastNotifications {
  /** A notification of the instance came. Never rejects: a notification must not fail for this. */
  note(tenantId: string, instanceId: string): Promise<void>;
  /** Unix ms, up to 10 s behind; null if none came within 7 days. */
  read(tenantId: string, instanceId: string): Promise<number | null>;
}

export interface LastNotificationsDeps {
  readonly redis: Redis;
  readonly namespace: string;
  readonly clock: { now(): number };
}

const KEEP_MS = 604_800_000;
const WRITE_EVERY_MS = 10_000;
/** Of one tenant; the oldest go first. As many as it may have sessions, unless configured otherwise. */
const MAX_INSTANCES = 10_000;
/** Remembered by this gateway as written lately, about 100 B each. */
const MAX_WRITTEN = 20_000;

export function createLastNotifications({ redis, namespace, clock }: LastNotificationsDeps): LastNotifications {
  const written = new Map<string, number>();

  /** True if it is to be written now. */
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
      if (!isWritten) written.delete(name); // Redis is out, or cannot write now; the next notification tries again
    },

    async read(tenantId, instanceId) {
      const at = await redis.zscore(lastNotificationsKey(namespace, tenantId), instanceId);
      return at === null || Number(at) < clock.now() - KEEP_MS ? null : Number(at);
    },
  };
}
