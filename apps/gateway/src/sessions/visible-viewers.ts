/**
 * How many viewers watch a session, over all gateways. Each gateway stores its own count when it
 * changes. The counts of a gateway hold as long as it lives, which it says by one lease for all.
 *
 * What Redis has not taken, or has lost, is stored again. So is each count now and then, because one
 * master of a cluster may lose some.
 */

import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { gatewaysKey, viewersKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';

export interface ViewerCounts {
  /** Stores this gateway's count. Resolves to the sum over all gateways. */
  report(sessionId: string, count: number): Promise<number>;
  read(sessionId: string): Promise<number>;
  /** The sum of entries that Redis held: gateway, entry, and so on. This gateway's count is the last reported one. */
  sumOf(sessionId: string, entries: readonly string[]): number;
  close(): void;
}

export interface ViewerCountsDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  readonly gatewayId: string;
  /** How long the counts of a gateway that died still hold, ms. */
  readonly lastsMs: number;
}

/** What is not stored again within this has been lost by all who could. */
const KEEP_MS = 3_600_000;
/** At random in between, so that counts of one moment are not all stored again in one. */
const AGAIN_FROM_MS = 600_000;
const AGAIN_TO_MS = 1_200_000;
const RENEWALS_PER_LEASE = 3;
/** Counts that are stored again in one turn of the event loop. */
const AT_ONCE = 100;

/** A count of this gateway. */
interface Own {
  readonly count: number;
  /** When to store it again, by `performance.now()`. Infinity while it is being stored. */
  againAt: number;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: storing, summing and renewing share the counts and who lives.
export function openViewerCounts({ redis, namespace, clock, log, gatewayId, lastsMs }: ViewerCountsDeps): ViewerCounts {
  const storeScript = loadLuaScript(redis, new URL('./viewers-count-1.lua', import.meta.url));
  const renewScript = loadLuaScript(redis, new URL('./gateways-renew-1.lua', import.meta.url));
  /** Those above 0, and those that Redis has not taken. */
  const own = new Map<string, Own>();
  let living: ReadonlySet<string> = new Set();
  let isKnown = false;

  async function store(sessionId: string, count: number): Promise<readonly string[]> {
    const one: Own = { count, againAt: Number.POSITIVE_INFINITY };
    own.set(sessionId, one);
    const now = clock.now();
    try {
      const entries = (await storeScript([viewersKey(namespace, sessionId)], [gatewayId, count, now + KEEP_MS, now])) as string[];
      one.againAt = performance.now() + AGAIN_FROM_MS + Math.random() * (AGAIN_TO_MS - AGAIN_FROM_MS);
      if (count === 0 && own.get(sessionId) === one) own.delete(sessionId);
      return entries;
    } catch (error) {
      one.againAt = 0;
      throw error;
    }
  }

  /** Its end tells an entry of an older version, and one of a gateway that has come since the last renewal. */
  function holds(gateway: string, until: number, now: number): boolean {
    if (until <= now) return false;
    return living.has(gateway) || until <= now + lastsMs || until > now + KEEP_MS - lastsMs;
  }

  /** Redis may have lost the count, or have run two reports in the other order. */
  function check(sessionId: string, entry: number | null): void {
    const one = own.get(sessionId);
    if (one?.againAt === Number.POSITIVE_INFINITY || (one?.count ?? 0) === (entry ?? 0)) return;
    own.set(sessionId, { count: one?.count ?? 0, againAt: 0 });
  }

  function sumOf(sessionId: string, entries: readonly string[]): number {
    const now = clock.now();
    let entry: number | null = null;
    let sum = own.get(sessionId)?.count ?? 0;
    for (let i = 0; i < entries.length; i += 2) {
      const [count = 0, until = 0] = (entries[i + 1] ?? '').split(':').map(Number);
      if (entries[i] === gatewayId) entry = count;
      else if (holds(entries[i] ?? '', until, now)) sum += count;
    }
    check(sessionId, entry);
    return sum;
  }

  async function renewLease(): Promise<void> {
    const now = clock.now();
    const [wasThere, ...ids] = (await renewScript([gatewaysKey(namespace)], [gatewayId, now + lastsMs, now])) as [number, ...string[]];
    living = new Set(ids);
    if (wasThere === 0 && isKnown) for (const one of own.values()) one.againAt = 0; // Redis has lost data, or this process was paused
    isKnown = true;
    storeAgainNow(); // not awaited: a slow Redis must not hold up the lease
  }

  async function storeAgain(): Promise<void> {
    const due = [...own].filter(([, { againAt }]) => againAt <= performance.now());
    for (let i = 0; i < due.length; i += AT_ONCE) {
      // A count that has changed meanwhile was stored with that.
      const batch = due.slice(i, i + AT_ONCE).filter(([sessionId, one]) => own.get(sessionId) === one);
      await Promise.allSettled(batch.map(([sessionId, { count }]) => store(sessionId, count))); // what fails is due again
    }
  }

  const storeAgainNow = oneAtATime(storeAgain, log);
  const renewNow = oneAtATime(renewLease, log);

  renewNow();
  const timer = setInterval(renewNow, lastsMs / RENEWALS_PER_LEASE);
  return {
    report: async (sessionId, count) => sumOf(sessionId, await store(sessionId, count)),
    async read(sessionId) {
      return sumOf(sessionId, Object.entries(await redis.hgetall(viewersKey(namespace, sessionId))).flat());
    },
    sumOf,
    close: () => clearInterval(timer),
  };
}

/** Runs it, unless it is running. */
function oneAtATime(run: () => Promise<void>, log: Pick<Logger, 'warn'>): () => void {
  let isRunning = false;
  return () => {
    if (isRunning) return;
    isRunning = true;
    run()
      .catch((error: unknown) => log.warn(errorFields(error), 'the counts of viewers were not renewed; the next round tries again'))
      .finally(() => {
        isRunning = false;
      });
  };
}
