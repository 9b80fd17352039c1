/**
 * The polling side of the queue, one per worker process.
 *
 * Ticks: one self-redelaying BullMQ job per shard, spread over all workers. A tick claims what is
 * due in its shard (poll-claims.ts) and starts those requests without waiting for them. So a tick
 * lasts milliseconds, whatever the provider does. Its next run follows a fixed grid; counted from
 * its end, it would drift. Pokes: one immediate job claims one session.
 *
 * Claims are leases. While a request is under way its lease is extended. A process that dies or
 * hangs stops extending, and the claim comes due again by itself. A process that hung sees by its
 * own clock that its lease is over, and then settles nothing.
 */

import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import { DelayedError, type Job, type Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { errorFields, type Logger } from '../log.ts';
import { type Namespace, POLL_QUEUE_NAME } from '../redis/keys.ts';
import { openQueueWorker, startedOrStopped } from '../redis/queue-worker.ts';
import { createPollClaims, LEASE_MS, type PollClaims } from './poll-claims.ts';
import { openPollLeases } from './poll-leases.ts';
import type { PollHandlers, PollTarget } from './poll-queue.ts';
import { SHARD_COUNT } from './shards.ts';

/**
 * The longest that a poll waits for its tick. Half a second makes 64 jobs/s: about 2 % of one Redis
 * core.
 */
const TICK_MS = 500;
const EXTEND_EVERY_MS = 2_000;
/** Puts back ticks whose jobs were lost, for example in a flushed Redis. */
const RESTORE_TICKS_EVERY_MS = 15_000;
/** Jobs only claim, so `jobsAtOnce` bounds nothing but claims. */
const WORKER = { jobsAtOnce: 50, lockMs: 3_000, stalledCheckMs: 1_500 } as const;

interface ConsumerDeps {
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly queue: Queue;
}

/**
 * Starts to poll, with at most `concurrency` requests under way. Resolves to the function that
 * stops it and awaits the requests under way, at most `graceMs`.
 */
export async function consumePolls(
  deps: ConsumerDeps,
  handlers: PollHandlers,
  concurrency: number,
): Promise<(graceMs: number) => Promise<void>> {
  const { queue } = deps;
  const leases = openPollLeases({ ...deps, leaseMs: LEASE_MS, extendEveryMs: EXTEND_EVERY_MS, spacingMs: MIN_SPACING_MS });
  const claims = createPollClaims({ ...deps, leases, handlers, concurrency });
  const worker = openQueueWorker(deps, POLL_QUEUE_NAME, createJobHandler(claims, deps.log), WORKER);
  const timer = setInterval(() => {
    restoreTicks(queue).catch(() => undefined); // Redis is out: the connection logs it, and the next round restores
  }, RESTORE_TICKS_EVERY_MS);

  async function stop(graceMs: number): Promise<void> {
    const endsAt = performance.now() + graceMs;
    claims.stop();
    clearInterval(timer);
    await worker.close(graceMs);
    await leases.close(Math.max(0, endsAt - performance.now()));
    await worker.disconnect();
  }
  await startedOrStopped(Promise.all([restoreTicks(queue), worker.ready()]), stop);
  return stop;
}

/** Handles a tick or a poke. A tick ends by delaying itself to its next run. */
function createJobHandler(claims: PollClaims, log: Logger) {
  let lastTick: Promise<void> = Promise.resolve();
  return async (job: Job, token: string | undefined): Promise<void> => {
    if (job.name === 'poke') return claims.claimPoked(job.data as PollTarget); // written by this package alone
    const shard = Number(job.data.shard);
    // Ticks run one after another: they share the free slots, and each takes one round trip to
    // Redis.
    lastTick = lastTick
      .then(() => claims.claimDue(shard))
      .catch((error: unknown) => log.warn({ shard, ...errorFields(error) }, 'a tick could not claim; the next one will try again'));
    await lastTick;
    await job.moveToDelayed(nextTickAt(shard, Date.now()), token);
    throw new DelayedError();
  };
}

/** Adds the ticks that are missing. BullMQ ignores a job whose id exists. */
async function restoreTicks(queue: Queue): Promise<void> {
  const now = Date.now();
  await queue.addBulk(
    Array.from({ length: SHARD_COUNT }, (_, shard) => ({
      name: 'tick',
      data: { shard },
      opts: { jobId: `tick-${shard}`, delay: nextTickAt(shard, now) - now, removeOnComplete: true, removeOnFail: true },
    })),
  );
}

/**
 * The next moment of the shard's grid. Shards are spread over the tick, so they do not run all at
 * once.
 */
function nextTickAt(shard: number, now: number): number {
  const phase = Math.round((shard / SHARD_COUNT) * TICK_MS);
  return Math.floor((now - phase) / TICK_MS) * TICK_MS + phase + TICK_MS;
}
