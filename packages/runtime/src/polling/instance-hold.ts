/**
 * Keeps polls of an instance away while we send the provider another request that they would
 * disturb. It uses the record in which the poll queue claims instances (`busy`), so both observe
 * the spacing and the provider's Retry-After.
 */

import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { MeasuredClock } from '../redis/clock.ts';
import { type Namespace, shardKeys } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { takeInTime } from '../redis/take-in-time.ts';
import { LEASE_MS } from './poll-claims.ts';
import { parsePollMember, shardOfInstance } from './shards.ts';

export interface InstanceHolds {
  /**
   * Holds the instance until `release`; if this process dies, for 6 s more. Resolves to `busy` if a
   * request is under way, the spacing after one is not over, or a Retry-After has not passed.
   */
  take(instanceKey: string): Promise<InstanceHold | Busy>;
  /** The sessions of the instance in the poll queue, of all tenants. Some may have ended since. */
  watchedSessions(instanceKey: string): Promise<readonly string[]>;
  /** How long the provider's Retry-After for this instance still lasts, ms. 0: there is none. */
  retryAfterMs(instanceKey: string): Promise<number>;
  /** Records a Retry-After of the provider for this instance. A longer one that stands is kept. */
  keepRetryAfter(instanceKey: string, retryAfterMs: number): Promise<void>;
}

export interface InstanceHold {
  readonly kind: 'held';
  /** When it began, Unix ms. */
  readonly startedAt: number;
  /**
   * Lets polls go on after the spacing, and after the provider's Retry-After if it sent one.
   * Idempotent.
   */
  release(retryAfterMs?: number): Promise<void>;
}

export interface Busy {
  readonly kind: 'busy';
  /** At the latest: a request under way may end sooner. */
  readonly freeInMs: number;
  /** The provider asked us to wait. */
  readonly isHeldOff: boolean;
}

export interface InstanceHoldsDeps {
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly clock: MeasuredClock;
}

/** A hold survives two lost extensions. */
const EXTEND_EVERY_MS = 2_000;
const SCAN_COUNT = 1_000;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a method for each call of the interface, over the same record.
export function createInstanceHolds({ redis, namespace, clock }: InstanceHoldsDeps): InstanceHolds {
  const hold = loadLuaScript(redis, new URL('./instance-hold-2.lua', import.meta.url));
  const extend = loadLuaScript(redis, new URL('./instance-hold-extend-2.lua', import.meta.url));
  const release = loadLuaScript(redis, new URL('./instance-hold-release-2.lua', import.meta.url));

  const busyFor = loadLuaScript(redis, new URL('./instance-busy-1.lua', import.meta.url));

  const keysOf = (instanceKey: string) => shardKeys(namespace, shardOfInstance(instanceKey));

  function busyKey(instanceKey: string): string {
    const [, , busy] = keysOf(instanceKey);
    return busy;
  }

  async function keepRetryAfter(instanceKey: string, retryAfterMs: number): Promise<void> {
    await redis.zadd(busyKey(instanceKey), 'GT', Math.ceil(clock.now() + retryAfterMs), instanceKey);
  }

  return {
    async take(instanceKey) {
      const [, , busy, , claims] = keysOf(instanceKey);
      const keys = [busy, claims];
      const [isHeld, ms] = await takeInTime<[number, number]>(clock, (notAfter) => hold(keys, [instanceKey, LEASE_MS, notAfter]));
      if (isHeld === 0) return { kind: 'busy', freeInMs: ms, isHeldOff: ms > LEASE_MS };
      return keepHold({
        startedAt: ms,
        extend: () => extend(keys, [instanceKey, ms, LEASE_MS]),
        release: async (inMs) => (await release(keys, [instanceKey, ms, inMs, LEASE_MS])) === 1,
        keepRetryAfter: (retryAfterMs) => keepRetryAfter(instanceKey, retryAfterMs),
      });
    },

    async watchedSessions(instanceKey) {
      const [, watch] = keysOf(instanceKey);
      const found = new Set<string>(); // a scan may return a member twice
      let cursor = '0';
      do {
        const [next, page] = await redis.zscan(watch, cursor, 'MATCH', `*|${instanceKey}|*`, 'COUNT', SCAN_COUNT);
        for (let i = 0; i < page.length; i += 2) found.add(parsePollMember(page[i] ?? '').sessionId); // members and scores alternate
        cursor = next;
      } while (cursor !== '0');
      return [...found];
    },

    async retryAfterMs(instanceKey) {
      const busyForMs = Number(await busyFor([busyKey(instanceKey)], [instanceKey]));
      return busyForMs > LEASE_MS ? busyForMs : 0; // a shorter time is the lease of a request under way
    },

    keepRetryAfter,
  };
}

/** `startedAt` identifies it. So a command that Redis runs twice, or late, does nothing to another hold. */
interface TakenHold {
  readonly startedAt: number;
  readonly extend: () => Promise<unknown>;
  /** Resolves to false if the hold was lost. */
  readonly release: (inMs: number) => Promise<boolean>;
  readonly keepRetryAfter: (retryAfterMs: number) => Promise<void>;
}

/** Extends a hold that was taken until it is released. */
function keepHold({ startedAt, extend, release, keepRetryAfter }: TakenHold): InstanceHold {
  // The next extension makes up for a failed one. If all fail, the lease ends by itself.
  const timer = setInterval(() => void extend().catch(() => undefined), EXTEND_EVERY_MS);
  async function end(retryAfterMs: number): Promise<void> {
    clearInterval(timer);
    const isReleased = await release(Math.max(MIN_SPACING_MS, Math.ceil(retryAfterMs)));
    // Another request to the instance may have begun.
    if (!isReleased && retryAfterMs > 0) await keepRetryAfter(retryAfterMs);
  }
  let released: Promise<void> | null = null;
  return {
    kind: 'held',
    startedAt,
    release: (retryAfterMs = 0) => (released ??= end(retryAfterMs)),
  };
}
