/**
 * Keeps the polls of an instance away while something else is done at the provider that they would disturb. It uses the same record as the
 * claims of the poll queue (`busy`), so that both keep the spacing and the provider's Retry-After.
 */

import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { Redis } from 'ioredis';
import { type Namespace, shardKeys } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { LEASE_MS } from './poll-consumer.ts';
import { parsePollMember, shardOfInstance } from './shards.ts';

export interface InstanceHolds {
  /**
   * Holds the instance until `release`, or until 6 s after this process died. Resolves to `busy` if a request is under way, the spacing
   * after one is not over, or the provider wants no request for now.
   */
  take(instanceKey: string): Promise<InstanceHold | Busy>;
  /** The sessions of the instance that are in the poll queue, whatever their tenant; some of them may have ended since. */
  watchedSessions(instanceKey: string): Promise<readonly string[]>;
  /** For how long the provider wants no request to this instance, ms; 0 where it named no time. */
  quietMs(instanceKey: string): Promise<number>;
  /** The provider wants no request to this instance for so long, ms. */
  keepQuiet(instanceKey: string, quietMs: number): Promise<void>;
}

export interface InstanceHold {
  readonly kind: 'held';
  /** When it began, Unix ms. */
  readonly startedAt: number;
  /** Polls may go on after the spacing, and after the time for which the provider wants no request (`quietMs`). Idempotent. */
  release(quietMs?: number): Promise<void>;
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

export function createInstanceHolds({ redis, namespace, now }: InstanceHoldsDeps): InstanceHolds {
  const hold = loadLuaScript(redis, new URL('./instance-hold-1.lua', import.meta.url));
  const move = loadLuaScript(redis, new URL('./instance-hold-move-1.lua', import.meta.url));

  const keysOf = (instanceKey: string) => shardKeys(namespace, shardOfInstance(instanceKey));

  function busyKey(instanceKey: string): string {
    const [, , busy] = keysOf(instanceKey);
    return busy;
  }

  async function keepQuiet(instanceKey: string, quietMs: number): Promise<void> {
    await redis.zadd(busyKey(instanceKey), 'GT', Math.ceil(now() + quietMs), instanceKey);
  }

  return {
    async take(instanceKey) {
      const key = busyKey(instanceKey);
      const [isHeld, ms] = (await hold([key], [instanceKey, LEASE_MS])) as [number, number]; // as the script says
      if (isHeld === 0) return { kind: 'busy', freeInMs: ms };
      let endsAt = ms;
      let moving: Promise<void> = Promise.resolve();
      const moveTo = (inMs: number): Promise<void> => {
        moving = moving.then(async () => {
          endsAt = Number(await move([key], [instanceKey, endsAt, inMs]));
        });
        return moving;
      };
      // A failed extension is made good by the next one; without any the lease ends by itself.
      const timer = setInterval(() => {
        moveTo(LEASE_MS).catch(() => {
          moving = Promise.resolve();
        });
      }, EXTEND_EVERY_MS);
      async function end(quietMs: number): Promise<void> {
        clearInterval(timer);
        await moveTo(Math.max(MIN_SPACING_MS, Math.ceil(quietMs)));
        const isLost = endsAt === 0; // somebody else asks the instance by now
        if (isLost && quietMs > 0) await keepQuiet(instanceKey, quietMs);
      }
      let released: Promise<void> | null = null;
      return {
        kind: 'held',
        startedAt: ms - LEASE_MS,
        release(quietMs = 0) {
          released ??= end(quietMs);
          return released;
        },
      };
    },

    async watchedSessions(instanceKey) {
      const [, watch] = keysOf(instanceKey);
      const found = new Set<string>(); // a scan may tell one twice
      let cursor = '0';
      do {
        const [next, page] = await redis.zscan(watch, cursor, 'MATCH', `*|${instanceKey}|*`, 'COUNT', SCAN_COUNT);
        for (let i = 0; i < page.length; i += 2) found.add(parsePollMember(page[i] ?? '').sessionId); // members and scores in turn
        cursor = next;
      } while (cursor !== '0');
      return [...found];
    },

    async quietMs(instanceKey) {
      const busyForMs = Number((await redis.zscore(busyKey(instanceKey), instanceKey)) ?? 0) - now();
      return busyForMs > LEASE_MS ? busyForMs : 0; // shorter, it is a request under way
    },

    keepQuiet,
  };
}
