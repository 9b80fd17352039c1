/**
 * The polling side of the queue, one per worker process.
 *
 * Ticks: one self-redelaying BullMQ job per shard, spread over all workers. A tick claims what is due in its shard and starts those requests
 * without waiting for them; so a tick lasts milliseconds, whatever the provider does. Its next run comes from the grid, not from when it
 * ended, or it would drift. Pokes: one immediate job claims one session.
 *
 * Tenants share the places for requests (fair-share.ts): a claim takes no more of one tenant than its share, whatever it has due, and puts
 * the rest off. So no tenant's slow hosts or thousands of due sessions keep another's polls waiting.
 *
 * Claims are leases. While a request is under way its lease is extended; a process that dies or hangs stops extending, and the claim comes
 * due again by itself. A process that hung learns from its own clock that its lease is over, and settles nothing.
 */

import type { PollMethod } from '@qrcast/core/outcome';
import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import { DelayedError, type Job, type Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { errorFields, type Logger } from '../log.ts';
import { type Namespace, POLL_QUEUE_NAME, shardKeys } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { openQueueWorker, startedOrStopped } from '../redis/queue-worker.ts';
import { SHARE_OF_FREE } from './fair-share.ts';
import { openPollLeases } from './poll-leases.ts';
import type { PollHandlers, PollTarget } from './poll-queue.ts';
import { parsePollMember, pollMember, SHARD_COUNT, shardOf } from './shards.ts';

/** How late a poll may start for waiting for its tick. Half a second keeps 64 jobs/s: about 2 % of one Redis core. */
export const TICK_MS = 500;
/**
 * A tick takes what comes due within this, too. Due times come from the claim before, so they lie a few ms around their tick, and what just
 * missed it would wait for the next: measured at 10,000 sessions, p99 lateness 570 ms without this, 16 ms with it.
 */
export const CLAIM_AHEAD_MS = 100;
/** A claim whose holder went silent comes due again after this: below two intervals, above any hiccup that is worth riding out. */
export const LEASE_MS = 6_000;
const EXTEND_EVERY_MS = 2_000;
/** Ticks are put back if a job was ever lost, as by a flushed Redis. */
const RESTORE_TICKS_EVERY_MS = 15_000;
const CLAIM_LIMIT = 500;
/** What is due beyond its tenant's share is looked at again after this: each look costs Redis some 3 µs, and 10,000 may wait. */
const SHARE_WAIT_MS = 1_000;
/** A tenant that waits for its share is told to the operator this often at most, for it may last for hours. */
const TELL_WAITING_EVERY_MS = 60_000;
/** Jobs only claim, so `jobsAtOnce` bounds nothing but claims. */
const WORKER = { jobsAtOnce: 50, lockMs: 3_000, stalledCheckMs: 1_500 } as const;

interface ConsumerDeps {
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly queue: Queue;
}

export async function consumePolls(
  deps: ConsumerDeps,
  handlers: PollHandlers,
  concurrency: number,
): Promise<(graceMs: number) => Promise<void>> {
  const { redis, namespace, log, queue } = deps;
  const claim = loadLuaScript(redis, new URL('./shard-claim-4.lua', import.meta.url));
  const leases = openPollLeases({ redis, namespace, log, leaseMs: LEASE_MS, extendEveryMs: EXTEND_EVERY_MS, spacingMs: MIN_SPACING_MS });
  let stopping = false;
  let reserved = 0;
  let toldWaitingAt = Number.NEGATIVE_INFINITY;
  let lastTick: Promise<void> = Promise.resolve();

  /** Claims and starts at most `limit` due members of the shard, or the one named. Resolves to how many it dealt with. */
  async function claimShard(shard: number, limit: number, member: string): Promise<number> {
    const free = room();
    const holders = leases.tenantsAbove(free / 2); // a claim takes half of what is free at most: who holds less stays within its share
    reserved += limit; // before the first await: pokes claim beside a tick
    try {
      const claimedAt = performance.now();
      const args = [limit, LEASE_MS, member, CLAIM_AHEAD_MS, free, SHARE_OF_FREE, SHARE_WAIT_MS, ...holders.flat()];
      const reply = await claim(shardKeys(namespace, shard), args);
      const [startedAt, claimed, unwatched, waiting, quiet] = reply as [number, string[], string[], string[], number];
      for (let i = 0; i < claimed.length; i += 3) {
        const target = parsePollMember(claimed[i] ?? '');
        const ask = (claimed[i + 2] || null) as PollMethod | null; // written by poke() alone
        const pollClaim = { target, startedAt, dueAt: Number(claimed[i + 1]), ask };
        leases.hold(target, startedAt, claimedAt, (signal) => handlers.poll(pollClaim, signal));
      }
      for (const left of unwatched) void idle(parsePollMember(left));
      if (waiting.length > 0) tellWaiting(waiting);
      return claimed.length / 3 + unwatched.length + waiting.length + quiet;
    } finally {
      reserved -= limit;
    }
  }

  const room = (): number => (stopping ? 0 : concurrency - leases.size() - reserved);

  function tellWaiting(waiting: readonly string[]): void {
    const now = performance.now();
    if (now < toldWaitingAt + TELL_WAITING_EVERY_MS) return;
    toldWaitingAt = now;
    const tenants = [...new Set(waiting.map((member) => parsePollMember(member).tenantId))];
    log.info({ tenants, underWay: leases.size(), concurrency }, 'tenants hold their share of requests; more of theirs waits');
  }

  async function claimPoked(target: PollTarget): Promise<void> {
    if (room() > 0) await claimShard(shardOf(target), 1, pollMember(target)); // else the shard's tick claims it
  }

  /** What there is no room for stays due, for the next tick or another worker. */
  async function claimDue(shard: number): Promise<void> {
    for (let isMore = true; isMore && room() > 0; ) {
      const limit = Math.min(CLAIM_LIMIT, Math.ceil(room() / 2)); // the other half for pokes that come meanwhile
      isMore = (await claimShard(shard, limit, '')) >= limit;
    }
  }

  async function idle(target: PollTarget): Promise<void> {
    await handlers.unwatched(target).catch((error: unknown) => {
      log.warn({ sessionId: target.sessionId, ...errorFields(error) }, 'an unwatched session was not idled');
    });
  }

  async function process(job: Job, token: string | undefined): Promise<void> {
    if (job.name === 'poke') return claimPoked(job.data as PollTarget); // written by this package alone
    const shard = Number(job.data.shard);
    // One tick at a time: they share the room, and each lasts a round trip.
    const turn = lastTick.then(() => claimDue(shard));
    lastTick = turn.catch((error: unknown) => log.warn({ shard, ...errorFields(error) }, 'a tick could not claim; the next one will'));
    await lastTick;
    await job.moveToDelayed(nextTickAt(shard, Date.now()), token);
    throw new DelayedError();
  }

  async function restoreTicks(): Promise<void> {
    const now = Date.now();
    await queue.addBulk(
      Array.from({ length: SHARD_COUNT }, (_, shard) => ({
        name: 'tick',
        data: { shard },
        opts: { jobId: `tick-${shard}`, delay: nextTickAt(shard, now) - now, removeOnComplete: true, removeOnFail: true },
      })),
    );
  }

  const worker = openQueueWorker(deps, POLL_QUEUE_NAME, process, WORKER);
  const timer = setInterval(() => {
    restoreTicks().catch(() => undefined); // Redis is out: the connection reports itself, and the next round restores
  }, RESTORE_TICKS_EVERY_MS);

  async function stop(graceMs: number): Promise<void> {
    const endsAt = performance.now() + graceMs;
    stopping = true;
    clearInterval(timer);
    await worker.close(graceMs);
    await leases.close(Math.max(0, endsAt - performance.now()));
    await worker.disconnect();
  }
  await startedOrStopped(Promise.all([restoreTicks(), worker.ready()]), stop);
  return stop;
}

/** The next slot of the shard's grid; shards are spread over the tick, so that they do not come all at once. */
function nextTickAt(shard: number, now: number): number {
  const phase = Math.round((shard / SHARD_COUNT) * TICK_MS);
  return Math.floor((now - phase) / TICK_MS) * TICK_MS + phase + TICK_MS;
}
