/**
 * Keeps polls of an instance away while we send the provider another request that they would
 * disturb. It uses the record in which the poll queue claims instances (`busy`), so both observe
 * the spacing and the provider's Retry-After.
 */

import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { Redis } from 'ioredis';
import { type Namespace, shardKeys } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
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
  readonly freeInMs: number;
}

export interface InstanceHoldsDeps {
  readonly redis: Redis;
  readonly namespace: Namespace;
  /** Unix ms, by the clock of Redis. */
  readonly now: () => number;
}

/** A hold survives two lost extensions. */
const EXTEND_EVERY_MS = 2_000;
const SCAN_COUNT = 1_000;

// One closure: a method for each call of the interface, over the same record.
export function createInstanceHolds({ redis, namespace, now }: InstanceHoldsDeps): InstanceHolds {
  const hold = loadLuaScript(redis, new URL('./instance-hold-1.lua', import.meta.url));
  const move = loadLuaScript(redis, new URL('./instance-hold-move-1.lua', import.meta.url));

  const keysOf = (instanceKey: string) => shardKeys(namespace, shardOfInstance(instanceKey));

  function busyKey(instanceKey: string): string {
    const [, , busy] = keysOf(instanceKey);
    return busy;
  }

  async function keepRetryAfter(instanceKey: string, retryAfterMs: number): Promise<void> {
    await redis.zadd(busyKey(instanceKey), 'GT', Math.ceil(now() + retryAfterMs), instanceKey);
  }

  return {
    async take(instanceKey) {
      const key = busyKey(instanceKey);
      const [isHeld, ms] = (await hold([key], [instanceKey, LEASE_MS])) as [number, number]; // as the script says
      if (isHeld === 0) return { kind: 'busy', freeInMs: ms };
      return keepHold({
        endsAt: ms,
        move: async (endsAt, inMs) => Number(await move([key], [instanceKey, endsAt, inMs])),
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
      const busyForMs = Number((await redis.zscore(busyKey(instanceKey), instanceKey)) ?? 0) - now();
      return busyForMs > LEASE_MS ? busyForMs : 0; // a shorter time is the lease of a request under way
    },

    keepRetryAfter,
  };
}

interface TakenHold {
  /** When the hold ends as it stands, Unix ms. */
  readonly endsAt: number;
  /** Moves that end. Resolves to the new one, or 0 if the hold was lost. */
  readonly move: (endsAt: number, inMs: number) => Promise<number>;
  readonly keepRetryAfter: (retryAfterMs: number) => Promise<void>;
}

/** Extends a hold that was taken until it is released. */
function keepHold({ endsAt: firstEnd, move, keepRetryAfter }: TakenHold): InstanceHold {
  let endsAt = firstEnd;
  let moving: Promise<void> = Promise.resolve();
  const moveTo = (inMs: number): Promise<void> => {
    moving = moving.then(async () => {
      endsAt = await move(endsAt, inMs);
    });
    return moving;
  };
  // The next extension makes up for a failed one. If all fail, the lease ends by itself.
  const timer = setInterval(() => {
    moveTo(LEASE_MS).catch(() => {
      moving = Promise.resolve();
    });
  }, EXTEND_EVERY_MS);
  async function end(retryAfterMs: number): Promise<void> {
    clearInterval(timer);
    await moveTo(Math.max(MIN_SPACING_MS, Math.ceil(retryAfterMs)));
    const isLost = endsAt === 0; // another request to the instance may have begun
    if (isLost && retryAfterMs > 0) await keepRetryAfter(retryAfterMs);
  }
  let released: Promise<void> | null = null;
  return {
    kind: 'held',
    startedAt: firstEnd - LEASE_MS,
    release: (retryAfterMs = 0) => (released ??= end(retryAfterMs)),
  };
}
