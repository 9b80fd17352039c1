/**
 * How often a tenant may call, over all gateways: a bucket of tokens in Redis per tenant and kind (rate-take-1.lua). A gateway takes some
 * tokens ahead, so that not every call asks Redis: together the gateways never give more than the limit, and one that asks rarely may keep
 * a six-hundredth of it unused. An empty bucket is remembered until it has a token again: who calls on at full speed costs Redis nothing.
 */

import type { RateLimit } from '@qrcast/core/tenant-limits';
import { tenantRateKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { Redis } from 'ioredis';
import type { Tenant } from '../tenants/tenants.ts';
import { type LimitOf, rateExceeded } from './tenant-limits.ts';

export interface TenantRates {
  /**
   * Counts one call, which may count as several: all of them or none, and never as more than the limit, for so many there would never be.
   * @throws {RefusedError} `too_many_requests`.
   */
  take(tenant: Pick<Tenant, 'id' | 'limits'>, limit: RateLimit, count?: number): Promise<void>;
}

export interface TenantRatesDeps {
  readonly redis: Redis;
  readonly namespace: string;
  readonly limitOf: LimitOf;
}

interface Waiting extends PromiseWithResolvers<void> {
  readonly count: number;
}

interface Bucket {
  readonly perMinute: number;
  /** Paid for in Redis, and not used yet. */
  tokens: number;
  /** Of `performance.now()`: there is none in Redis before. */
  emptyUntil: number;
  waiting: Waiting[];
  isAsking: boolean;
}

/** Of a minute's tokens as many are taken ahead. */
const AHEAD_SHARE = 600;
/** A limit of 0 never fills up; ask again then whether it still is. */
const NEVER_RETRY_AFTER_MS = 60_000;

export function createTenantRates({ redis, namespace, limitOf }: TenantRatesDeps): TenantRates {
  const script = loadLuaScript(redis, new URL('./rate-take-1.lua', import.meta.url));
  /** A few for each tenant, and no more tenants than the operator has made. */
  const buckets = new Map<string, Bucket>();

  function bucketOf(key: string, perMinute: number): Bucket {
    const known = buckets.get(key);
    if (known?.perMinute === perMinute) return known;
    const bucket: Bucket = { perMinute, tokens: 0, emptyUntil: 0, waiting: [], isAsking: false };
    buckets.set(key, bucket); // the limit was changed: what was known of it means nothing now
    return bucket;
  }

  /** One question at a time, for all who wait by then. */
  async function ask(key: string, limit: RateLimit, bucket: Bucket): Promise<void> {
    if (bucket.isAsking) return;
    bucket.isAsking = true;
    while (bucket.waiting.length > 0) {
      const asking = bucket.waiting.splice(0);
      let tokens = bucket.tokens; // too few for one that counts as several
      bucket.tokens = 0;
      try {
        const wanted = asking.reduce((sum, { count }) => sum + count, 0) - tokens + Math.floor(bucket.perMinute / AHEAD_SHARE);
        const [given = 0, nextInMs = 0] = (await script([key], [bucket.perMinute, wanted])) as number[];
        tokens += given;
        for (const { count, resolve, reject } of asking) {
          const missing = count - tokens;
          if (missing > 0) {
            bucket.emptyUntil = performance.now() + nextInMs;
            reject(rateExceeded(limit, bucket.perMinute, nextInMs + Math.ceil(((missing - 1) * 60_000) / bucket.perMinute)));
          } else {
            tokens -= count;
            resolve();
          }
        }
      } catch (error) {
        for (const { reject } of asking) reject(error);
      }
      bucket.tokens += tokens;
    }
    bucket.isAsking = false;
  }

  return {
    async take(tenant, limit, callCount = 1) {
      const perMinute = limitOf(tenant, limit);
      if (perMinute === 0) throw rateExceeded(limit, 0, NEVER_RETRY_AFTER_MS);
      const count = Math.min(callCount, perMinute);
      const key = tenantRateKey(namespace, tenant.id, limit);
      const bucket = bucketOf(key, perMinute);
      if (bucket.tokens >= count) {
        bucket.tokens -= count;
        return;
      }
      const emptyForMs = Math.ceil(bucket.emptyUntil - performance.now());
      if (emptyForMs > 0) throw rateExceeded(limit, perMinute, emptyForMs);
      const turn = { ...Promise.withResolvers<void>(), count };
      bucket.waiting.push(turn);
      void ask(key, limit, bucket);
      return turn.promise;
    },
  };
}
