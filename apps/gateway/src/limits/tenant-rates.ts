/**
 * Bounds how often a tenant may call, over all gateways. Redis holds a token bucket for each tenant
 * and kind of call (rate-take-1.lua). A gateway takes some tokens ahead, so that not every call
 * asks Redis. All gateways together never admit more than the limit; a gateway with few calls may
 * leave a six-hundredth of it unused. An empty bucket is remembered until it has a token again, so
 * a caller that goes on at full speed costs Redis nothing.
 */

import type { RefusedError } from '@qrcast/core/errors';
import type { RateLimit } from '@qrcast/core/tenant-limits';
import { tenantRateKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import type { Tenant } from '../tenants/tenants.ts';
import { type LimitOf, rateExceeded } from './tenant-limits.ts';

export interface TenantRates {
  /**
   * Counts a call. `count`: it may count as several, and is admitted for all of them or refused.
   * It never counts as more than the limit, because then no wait would be long enough.
   * @throws {RefusedError} `too_many_requests`.
   */
  take(tenant: Pick<Tenant, 'id' | 'limits'>, limit: RateLimit, count?: number): Promise<void>;
}

export interface TenantRatesDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly limitOf: LimitOf;
}

interface Waiting extends PromiseWithResolvers<void> {
  readonly count: number;
}

interface Bucket {
  readonly perMinute: number;
  /** Taken from Redis, and not used yet. */
  tokens: number;
  /** By `performance.now()`. Redis has no token before. */
  emptyUntil: number;
  waiting: Waiting[];
  isAsking: boolean;
}

/** This part of a minute's tokens is taken ahead. */
const AHEAD_SHARE = 600;
/** A limit of 0 never has a token. This is when to ask whether it still is 0. */
const NEVER_RETRY_AFTER_MS = 60_000;

export function createTenantRates({ redis, namespace, limitOf }: TenantRatesDeps): TenantRates {
  const script = loadLuaScript(redis, new URL('./rate-take-1.lua', import.meta.url));
  /** A few for each tenant, and the operator decides how many tenants there are. */
  const buckets = new Map<string, Bucket>();

  function bucketOf(key: string, perMinute: number): Bucket {
    const known = buckets.get(key);
    if (known?.perMinute === perMinute) return known;
    const bucket: Bucket = { perMinute, tokens: 0, emptyUntil: 0, waiting: [], isAsking: false };
    buckets.set(key, bucket); // also when the limit was changed: what was known means nothing then
    return bucket;
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
      if (emptyForMs > 0) throw tooFew(bucket, limit, count - bucket.tokens, emptyForMs);
      const waiting = { ...Promise.withResolvers<void>(), count };
      bucket.waiting.push(waiting);
      void refill(bucket, limit, async (wanted) => {
        const [given = 0, nextInMs = 0] = (await script([key], [perMinute, wanted])) as number[];
        return { given, nextInMs };
      });
      return waiting.promise;
    },
  };
}

type AskRedis = (wanted: number) => Promise<{ readonly given: number; readonly nextInMs: number }>;

/** Asks Redis for all calls that wait, one question at a time, until none waits. */
async function refill(bucket: Bucket, limit: RateLimit, ask: AskRedis): Promise<void> {
  if (bucket.isAsking) return;
  bucket.isAsking = true;
  while (bucket.waiting.length > 0) {
    const calls = bucket.waiting.splice(0);
    let tokens = bucket.tokens; // too few for a call that counts as several
    bucket.tokens = 0;
    try {
      const wanted = calls.reduce((sum, { count }) => sum + count, 0) - tokens + Math.floor(bucket.perMinute / AHEAD_SHARE);
      const { given, nextInMs } = await ask(wanted);
      bucket.emptyUntil = performance.now() + nextInMs;
      tokens = settle(bucket, limit, calls, tokens + given, nextInMs);
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
    bucket.tokens += tokens;
  }
  bucket.isAsking = false;
}

/** Admits or refuses each of the calls. Returns the tokens that are left. */
function settle(bucket: Bucket, limit: RateLimit, calls: readonly Waiting[], given: number, nextInMs: number): number {
  let tokens = given;
  for (const { count, resolve, reject } of calls) {
    const missing = count - tokens;
    if (missing > 0) {
      reject(tooFew(bucket, limit, missing, nextInMs));
    } else {
      tokens -= count;
      resolve();
    }
  }
  return tokens;
}

/** @param nextInMs when there is the first of the missing tokens */
function tooFew({ perMinute }: Bucket, limit: RateLimit, missing: number, nextInMs: number): RefusedError {
  return rateExceeded(limit, perMinute, nextInMs + Math.ceil(((missing - 1) * 60_000) / perMinute));
}
