/**
 * The requests that this process has under way. Leases make them exclusive: a request whose lease
 * could not be extended is aborted before another worker may ask the instance. Finished requests
 * are settled in batches.
 */

import { errorFields, type Logger } from '../log.ts';
import { type Namespace, shardKeys } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { isCluster, type RedisClient } from '../redis/redis-client.ts';
import { createHolders } from './fair-share.ts';
import type { Lease, Polled, PollTarget } from './poll-queue.ts';
import { pollMember, shardOf } from './shards.ts';

interface LeaseDeps {
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly leaseMs: number;
  readonly extendEveryMs: number;
  readonly spacingMs: number;
  /** Null: leases that are about to end are not looked for, for a twin. */
  readonly lookEveryMs?: number | null;
  /** False: a lost connection leaves no doubt, for a twin. */
  readonly doubts?: boolean;
}

export interface PollLeases {
  /** Runs a request under its lease. `claimSentAt`: performance.now() before the claim was sent. */
  hold(target: PollTarget, startedAt: number, claimSentAt: number, run: (lease: Lease) => Promise<Polled>): void;
  /** How many requests are under way. */
  size(): number;
  /** Tenants with more than `least` requests under way, each with its number. */
  tenantsAbove(least: number): [tenantId: string, held: number][];
  /**
   * Awaits the requests under way, at most `graceMs`, then aborts them. Resolves when all are
   * settled.
   */
  close(graceMs: number): Promise<void>;
}

interface HeldLease {
  readonly shard: number;
  readonly tenantId: string;
  readonly member: string;
  readonly sessionId: string;
  readonly abort: AbortController;
  /** By Redis's clock, ms. It identifies the claim. */
  readonly claimedAt: number;
  /** By this process's monotonic clock. */
  readonly claimSentAt: number;
  /** By this process's monotonic clock. After it, another worker may have the claim. */
  endsAt: number;
  /** How often the connection had been lost when Redis was last known to have the claim. */
  provenAfter: number;
}

/** Redis may have lost the claim with the connection: it was restarted with older data, or another server took over. */
class DoubtedLeaseError extends Error {}

/** How often leases are looked for that are about to end. */
const LOOK_EVERY_MS = 250;
/** Settlements are collected this long, because one script call settles many. */
const SETTLE_AFTER_MS = 10;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: extending, settling and closing share the set of leases and the open batch.
export function openPollLeases(deps: LeaseDeps): PollLeases {
  const { redis, namespace, log, leaseMs, spacingMs, lookEveryMs = LOOK_EVERY_MS, doubts = true } = deps;
  const extend = loadLuaScript(redis, new URL('./shard-extend-3.lua', import.meta.url));
  const settle = loadLuaScript(redis, new URL('./shard-settle-5.lua', import.meta.url));
  const leases = new Set<HeldLease>();
  const tenants = createHolders();
  const settlements = new Map<number, (string | number)[]>();
  const sending = new Set<Promise<void>>();
  let settleTimer: NodeJS.Timeout | null = null;
  let whenEmpty: (() => void) | null = null;
  const losses = countLosses(redis);

  async function extendAll(): Promise<void> {
    const byShard = Map.groupBy(
      [...leases].filter(({ abort }) => !abort.signal.aborted),
      (lease) => lease.shard,
    );
    await Promise.all([...byShard].map(([shard, held]) => extendShard(shard, held)));
  }

  async function extendShard(shard: number, held: readonly HeldLease[]): Promise<void> {
    const [due, , busy, , claims] = shardKeys(namespace, shard);
    const sentAt = performance.now();
    const sentAfter = losses.count();
    const args = held.flatMap(({ member, claimedAt }) => [member, claimedAt]);
    const gone = new Set((await extend([due, busy, claims], [leaseMs, ...args])) as string[]);
    for (const lease of held) {
      if (gone.has(lease.member)) lease.abort.abort(new Error('the session left the poll queue, or another worker asks its instance'));
      else Object.assign(lease, { endsAt: sentAt + leaseMs, provenAfter: sentAfter });
    }
  }

  /**
   * Aborts the request if its lease ends within the spacing and `aheadMs`. Another worker may ask
   * when the lease ends, and a request that is sent just before would come too close.
   */
  function giveUpIfEnding(lease: HeldLease, aheadMs: number): void {
    if (lease.endsAt > performance.now() + spacingMs + aheadMs || lease.abort.signal.aborted) return;
    log.warn({ sessionId: lease.sessionId }, 'a lease could not be extended; its request is aborted, as another worker may ask soon');
    lease.abort.abort(new Error('the lease of the request could not be extended'));
  }

  /** Also settles a lease that is over: the script knows whether another has the claim now. */
  function finish(lease: HeldLease, { nextAt, notBefore, wasAsked = true }: Polled): void {
    // The claim ran after it was sent. So this is not before the provider had the request, by the
    // clock of Redis, whatever the clock of this process says.
    const arrivedBy = wasAsked ? Math.ceil(lease.claimedAt + performance.now() - lease.claimSentAt) : lease.claimedAt - spacingMs;
    leases.delete(lease);
    tenants.giveBack(lease.tenantId);
    const batch = settlements.get(lease.shard) ?? [];
    batch.push(lease.member, lease.claimedAt, arrivedBy, nextAt ?? '', notBefore ?? '');
    settlements.set(lease.shard, batch);
    settleTimer ??= setTimeout(flush, SETTLE_AFTER_MS);
    if (leases.size === 0) whenEmpty?.();
  }

  function flush(): void {
    settleTimer = null;
    for (const [shard, batch] of settlements) {
      const sent = settle(shardKeys(namespace, shard), [spacingMs, leaseMs, ...batch]).then(
        () => undefined,
        (error: unknown) => log.warn(errorFields(error), 'finished polls were not settled; they come due again when their leases end'),
      );
      sending.add(sent);
      void sent.then(() => sending.delete(sent));
    }
    settlements.clear();
  }

  const timer = setInterval(() => {
    extendAll().catch((error: unknown) => log.warn(errorFields(error), 'leases were not extended'));
  }, deps.extendEveryMs);
  const look = (aheadMs: number): void => {
    for (const lease of leases) giveUpIfEnding(lease, aheadMs);
  };
  const lookTimer = lookEveryMs === null ? undefined : setInterval(look, lookEveryMs, lookEveryMs);

  return {
    hold(target, startedAt, claimSentAt, run) {
      const abort = new AbortController();
      const { tenantId, sessionId } = target;
      const lease: HeldLease = {
        shard: shardOf(target),
        tenantId,
        member: pollMember(target),
        sessionId,
        abort,
        claimedAt: startedAt,
        claimSentAt,
        endsAt: claimSentAt + leaseMs,
        provenAfter: losses.count(),
      };
      leases.add(lease);
      tenants.take(tenantId);
      const require = (): void => {
        if (lookEveryMs !== null) giveUpIfEnding(lease, 0);
        abort.signal.throwIfAborted();
        if (doubts && lease.provenAfter !== losses.count()) throw new DoubtedLeaseError();
      };
      run({ signal: abort.signal, require }).then(
        (polled) => finish(lease, polled),
        (error: unknown) => {
          // Nothing was sent. If Redis still has the claim, this ends it, and the poll is due at once.
          if (error instanceof DoubtedLeaseError) return finish(lease, { nextAt: startedAt, wasAsked: false });
          if (!abort.signal.aborted)
            log.warn({ sessionId: target.sessionId, ...errorFields(error) }, 'a poll failed; it is due again soon');
          finish(lease, { nextAt: startedAt + leaseMs });
        },
      );
    },

    size: () => leases.size,

    tenantsAbove: tenants.above,

    async close(graceMs) {
      const emptied = new Promise<void>((resolve) => {
        whenEmpty = resolve;
      });
      if (leases.size > 0) {
        const abortTimer = setTimeout(() => {
          for (const lease of leases) lease.abort.abort(new Error('the worker is stopping'));
        }, graceMs);
        await emptied;
        clearTimeout(abortTimer);
      }
      clearInterval(timer);
      clearInterval(lookTimer);
      if (settleTimer !== null) clearTimeout(settleTimer);
      flush();
      await Promise.all(sending);
      losses.close();
    },
  };
}

/** Counts how often the connection to Redis, or to a master, was lost. */
function countLosses(redis: RedisClient): { count(): number; close(): void } {
  let losses = 0;
  const event = isCluster(redis) ? '-node' : 'close';
  const onLoss = (): void => {
    losses++;
  };
  redis.on(event, onLoss);
  return { count: () => losses, close: () => redis.off(event, onLoss) };
}
