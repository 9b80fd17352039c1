/**
 * Claims due sessions from the shards and starts their polls, within the request slots of this
 * worker.
 *
 * Tenants share the slots (fair-share.ts). A claim takes no more of one tenant than its share and
 * postpones the rest. So no tenant's slow hosts or thousands of due sessions delay another's polls.
 */

import type { PollMethod } from '@qrcast/core/outcome';
import { errorFields, type Logger } from '../log.ts';
import type { MeasuredClock } from '../redis/clock.ts';
import { type Namespace, shardKeys } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { takeInTime } from '../redis/take-in-time.ts';
import { SHARE_OF_FREE } from './fair-share.ts';
import type { PollLeases } from './poll-leases.ts';
import { CLAIM_AHEAD_MS, type PollHandlers, type PollTarget } from './poll-queue.ts';
import { parsePollMember, pollMember, shardOf } from './shards.ts';

/**
 * A claim whose holder fell silent comes due again after this. It is shorter than two intervals,
 * and longer than the pauses of a process that recovers by itself.
 */
export const LEASE_MS = 6_000;
const CLAIM_LIMIT = 500;
/**
 * Sessions beyond their tenant's share are looked at again after this. Each look costs Redis about
 * 3 µs, and 10,000 sessions may wait.
 */
const SHARE_WAIT_MS = 1_000;
/** A tenant may exceed its share for hours, so the log says so at most this often. */
const LOG_WAITING_EVERY_MS = 60_000;

export interface PollClaimsDeps {
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly clock: MeasuredClock;
  readonly log: Logger;
  readonly leases: PollLeases;
  readonly handlers: PollHandlers;
  /** How many requests this worker may have under way. */
  readonly concurrency: number;
}

export interface PollClaims {
  /**
   * Claims what is due in the shard. Without a free slot it stays due for the next tick or another
   * worker.
   */
  claimDue(shard: number): Promise<void>;
  /** Claims one session if a slot is free. Otherwise its shard's tick will. */
  claimPoked(target: PollTarget): Promise<void>;
  /** Claims nothing more. */
  stop(): void;
}

type ClaimReply = [startedAt: number, claimed: string[], unwatched: string[], waiting: string[], postponed: number];

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: its functions share the count of reserved slots.
export function createPollClaims({ redis, namespace, clock, log, leases, handlers, concurrency }: PollClaimsDeps): PollClaims {
  const claim = loadLuaScript(redis, new URL('./shard-claim-5.lua', import.meta.url));
  const leave = loadLuaScript(redis, new URL('./shard-leave-3.lua', import.meta.url));
  const logWaiting = createWaitingLog(log);
  let isStopped = false;
  let reserved = 0;

  const freeSlots = (): number => (isStopped ? 0 : concurrency - leases.size() - reserved);

  /**
   * Claims at most `limit` due members of the shard, or the one named. Resolves to how many it
   * dealt with.
   */
  async function claimShard(shard: number, limit: number, member: string): Promise<number> {
    const free = concurrency - leases.size(); // what others have reserved may stay free
    const holders = leases.tenantsAbove(free / 2); // a claim takes at most half of the free slots: smaller holders stay within their share
    reserved += limit; // before the first await: pokes claim beside a tick
    try {
      const claimSentAt = performance.now();
      const args = [limit, LEASE_MS, member, CLAIM_AHEAD_MS, free, SHARE_OF_FREE, SHARE_WAIT_MS];
      const [startedAt, claimed, unwatched, waiting, postponed] = await takeInTime<ClaimReply>(clock, (notAfter) =>
        claim(shardKeys(namespace, shard), [...args, notAfter, ...holders.flat()]),
      );
      for (let i = 0; i < claimed.length; i += 3) startPoll(claimed.slice(i, i + 3), startedAt, claimSentAt);
      for (const left of unwatched) void idle(parsePollMember(left));
      if (waiting.length > 0) logWaiting(waiting, { underWay: leases.size(), concurrency });
      return claimed.length / 3 + unwatched.length + waiting.length + postponed;
    } finally {
      reserved -= limit;
    }
  }

  function startPoll([member = '', dueAt, ask]: readonly string[], startedAt: number, claimSentAt: number): void {
    const target = parsePollMember(member);
    const method = (ask || null) as PollMethod | null; // written by poke() alone
    const pollClaim = { target, startedAt, dueAt: Number(dueAt), ask: method };
    leases.hold(target, startedAt, claimSentAt, (lease) => handlers.poll(pollClaim, lease));
  }

  /** Until `leave` the session stays in the due-set, so it is reported again if this process dies. */
  async function idle(target: PollTarget): Promise<void> {
    const [due, watch, , poked] = shardKeys(namespace, shardOf(target));
    try {
      await handlers.unwatched(target);
      await leave([due, watch, poked], [pollMember(target)]);
    } catch (error) {
      const fields = { sessionId: target.sessionId, ...errorFields(error) };
      log.warn(fields, 'an unwatched session could not be made idle; it is tried again when its lease ends');
    }
  }

  return {
    async claimDue(shard) {
      for (let isMore = true; isMore && freeSlots() > 0; ) {
        const limit = Math.min(CLAIM_LIMIT, Math.ceil(freeSlots() / 2)); // the other half is for pokes that come meanwhile
        isMore = (await claimShard(shard, limit, '')) >= limit;
      }
    },

    async claimPoked(target) {
      if (freeSlots() > 0) await claimShard(shardOf(target), 1, pollMember(target));
    },

    stop() {
      isStopped = true;
    },
  };
}

function createWaitingLog(
  log: Logger,
): (members: readonly string[], facts: { readonly underWay: number; readonly concurrency: number }) => void {
  let loggedAt = Number.NEGATIVE_INFINITY;
  return (members, facts) => {
    const now = performance.now();
    if (now < loggedAt + LOG_WAITING_EVERY_MS) return;
    loggedAt = now;
    const tenants = [...new Set(members.map((member) => parsePollMember(member).tenantId))];
    log.info({ tenants, ...facts }, 'these tenants use their full share of the request slots; their other polls wait');
  };
}
