/**
 * The requests that this process has under way. Leases make them exclusive. Finished requests are
 * settled in batches.
 */

import type { Redis } from 'ioredis';
import { errorFields, type Logger } from '../log.ts';
import { type Namespace, shardKeys } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { createHolders } from './fair-share.ts';
import type { Polled, PollTarget } from './poll-queue.ts';
import { pollMember, shardOf } from './shards.ts';

interface LeaseDeps {
  readonly redis: Redis;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly leaseMs: number;
  readonly extendEveryMs: number;
  readonly spacingMs: number;
}

export interface PollLeases {
  /** Runs a request under its lease. `claimedAt`: performance.now() before the claim was sent. */
  hold(target: PollTarget, startedAt: number, claimedAt: number, run: (signal: AbortSignal) => Promise<Polled>): void;
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

interface Lease {
  readonly shard: number;
  readonly tenantId: string;
  readonly member: string;
  readonly abort: AbortController;
  /** By this process's monotonic clock. After it, another worker may have the claim. */
  endsAt: number;
}

/** Settlements are collected this long, because one script call settles many. */
const SETTLE_AFTER_MS = 10;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: extending, settling and closing share the set of leases and the open batch.
export function openPollLeases(deps: LeaseDeps): PollLeases {
  const { redis, namespace, log, leaseMs, spacingMs } = deps;
  const extend = loadLuaScript(redis, new URL('./shard-extend-3.lua', import.meta.url));
  const settle = loadLuaScript(redis, new URL('./shard-settle-4.lua', import.meta.url));
  const leases = new Set<Lease>();
  const tenants = createHolders();
  const settlements = new Map<number, (string | number)[]>();
  const sending = new Set<Promise<void>>();
  let settleTimer: NodeJS.Timeout | null = null;
  let whenEmpty: (() => void) | null = null;

  async function extendAll(): Promise<void> {
    const byShard = Map.groupBy(leases, (lease) => lease.shard);
    await Promise.all([...byShard].map(([shard, held]) => extendShard(shard, held)));
  }

  async function extendShard(shard: number, held: readonly Lease[]): Promise<void> {
    const [due, watch, busy] = shardKeys(namespace, shard);
    const sentAt = performance.now();
    const gone = new Set((await extend([due, watch, busy], [leaseMs, ...held.map((lease) => lease.member)])) as string[]);
    for (const lease of held) {
      if (gone.has(lease.member)) lease.abort.abort(new Error('the session left the poll queue'));
      else lease.endsAt = sentAt + leaseMs;
    }
  }

  function finish(lease: Lease, startedAt: number, { nextAt, notBefore }: Polled): void {
    leases.delete(lease);
    tenants.giveBack(lease.tenantId);
    if (performance.now() < lease.endsAt) {
      const batch = settlements.get(lease.shard) ?? [];
      batch.push(lease.member, startedAt, nextAt ?? '', notBefore ?? '');
      settlements.set(lease.shard, batch);
      settleTimer ??= setTimeout(flush, SETTLE_AFTER_MS);
    }
    if (leases.size === 0) whenEmpty?.();
  }

  function flush(): void {
    settleTimer = null;
    for (const [shard, batch] of settlements) {
      const sent = settle(shardKeys(namespace, shard), [spacingMs, ...batch]).then(
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

  return {
    hold(target, startedAt, claimedAt, run) {
      const abort = new AbortController();
      const { tenantId } = target;
      const lease: Lease = { shard: shardOf(target), tenantId, member: pollMember(target), abort, endsAt: claimedAt + leaseMs };
      leases.add(lease);
      tenants.take(tenantId);
      run(abort.signal).then(
        (polled) => finish(lease, startedAt, polled),
        (error: unknown) => {
          if (!abort.signal.aborted)
            log.warn({ sessionId: target.sessionId, ...errorFields(error) }, 'a poll failed; it is due again soon');
          finish(lease, startedAt, { nextAt: startedAt + leaseMs });
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
      if (settleTimer !== null) clearTimeout(settleTimer);
      flush();
      await Promise.all(sending);
    },
  };
}
