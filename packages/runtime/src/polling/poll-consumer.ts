/**
 * The polling side of the queue, one per worker process.
 *
 * Ticks: a BullMQ job for each shard in which something is due, twice a second (ticker.ts), spread
 * over all workers. A tick claims what is due in its shard (poll-claims.ts) and starts those requests
 * without waiting for them. So a tick lasts milliseconds, whatever the provider does. Pokes: one
 * immediate job claims one session.
 *
 * Claims are leases. While a request is under way its lease is extended. A process that dies or
 * hangs stops extending, and the claim comes due again by itself. If another process has it then,
 * the scripts refuse what the first one still sends (shard-claim-5.lua).
 */

import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { Job } from 'bullmq';
import { errorFields, type Logger } from '../log.ts';
import type { Meters } from '../metrics/meters.ts';
import type { Bus } from '../redis/bus.ts';
import type { MeasuredClock } from '../redis/clock.ts';
import type { Connections } from '../redis/connections.ts';
import { filledShardChannel, type Namespace, POLL_QUEUE_NAME } from '../redis/keys.ts';
import { openQueueWorker, type QueueWorker, type QueueWorkerDeps, startedOrStopped } from '../redis/queue-worker.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { within } from '../redis/within.ts';
import { expectJobs } from './expect-jobs.ts';
import { createPollClaims, LEASE_MS, type PollClaims } from './poll-claims.ts';
import { openPollLeases } from './poll-leases.ts';
import type { PollPart } from './poll-parts.ts';
import type { PollConsumer, PollHandlers, PollTarget } from './poll-queue.ts';
import { createTicker, type Ticker } from './ticker.ts';

const EXTEND_EVERY_MS = 2_000;
/** Jobs only claim, so `jobsAtOnce` bounds nothing but claims. */
const WORKER = { jobsAtOnce: 50, lockMs: 3_000, stalledCheckMs: 1_500 } as const;

const COUNT_WITHIN_MS = 1_000;

interface ConsumerDeps {
  readonly redis: RedisClient;
  readonly bus: Pick<Bus, 'subscribe' | 'begun' | 'onReset'>;
  readonly connections: Pick<Connections, 'open' | 'write'>;
  readonly onWedged?: QueueWorkerDeps['onWedged'];
  readonly namespace: Namespace;
  readonly clock: MeasuredClock;
  readonly log: Logger;
  readonly meters: Meters;
  readonly parts: readonly PollPart[];
}

/** Starts to poll, with at most `concurrency` requests under way. */
export async function consumePolls(deps: ConsumerDeps, handlers: PollHandlers, concurrency: number): Promise<PollConsumer> {
  const leases = openPollLeases({ ...deps, leaseMs: LEASE_MS, extendEveryMs: EXTEND_EVERY_MS, spacingMs: MIN_SPACING_MS });
  const claims = createPollClaims({ ...deps, leases, handlers, concurrency });
  let lastJobAt = performance.now();
  const onJob = (): void => {
    lastJobAt = performance.now();
  };
  const parts = deps.parts.map((part) => openPart(deps, part, claims, onJob));
  const deafen = parts.map((part) => hearOfMembers(deps, part));

  async function close(graceMs: number): Promise<void> {
    const endsAt = performance.now() + graceMs;
    for (const undo of deafen) undo();
    claims.stop();
    await Promise.all(parts.flatMap(({ ticker, worker }) => [ticker.stop(), worker.close(graceMs)]));
    await leases.close(Math.max(0, endsAt - performance.now()));
    await Promise.all(parts.map(({ worker }) => worker.disconnect()));
  }
  await startedOrStopped(
    deps.bus.begun().then(() => Promise.all(parts.map(startPart))),
    close,
  );
  const lastTurnAt = (): number => Math.min(...parts.map(({ ticker }) => ticker.lastTurnAt()));
  const ready = (): Promise<void> => expectJobs({ lastTurnAt, lastJobAt: () => lastJobAt, countWaiting: () => countWaiting(parts) });
  return { ready, tickAgeMs: () => performance.now() - lastTurnAt(), close };
}

async function countWaiting(parts: readonly PollPart[]): Promise<number> {
  const counts = await Promise.all(parts.map(({ queue }) => within(COUNT_WITHIN_MS, queue.getJobCounts('wait', 'prioritized'))));
  return counts.reduce((sum, { wait = 0, prioritized = 0 }) => sum + wait + prioritized, 0);
}

interface OpenPart extends PollPart {
  readonly ticker: Ticker;
  readonly worker: QueueWorker;
}

function openPart(deps: ConsumerDeps, part: PollPart, claims: PollClaims, onJob: () => void): OpenPart {
  const handle = createJobHandler(claims, deps.log);
  const take = (job: Job): Promise<void> => {
    onJob();
    return handle(job);
  };
  const ticker = createTicker({ ...part, redis: deps.redis, namespace: deps.namespace, key: part.work.tickerKey });
  return { ...part, ticker, worker: openQueueWorker({ ...deps, part: part.work }, POLL_QUEUE_NAME, take, WORKER) };
}

/** Returns its undo. */
function hearOfMembers({ bus, namespace }: ConsumerDeps, { shards, ticker }: OpenPart): () => void {
  const undos = shards.map((shard) => bus.subscribe(filledShardChannel(namespace, shard), () => ticker.noticeMember(shard)));
  undos.push(bus.onReset(ticker.forget)); // messages may have been missed
  return () => {
    for (const undo of undos) undo();
  };
}

async function startPart({ queue, shards, ticker, worker }: OpenPart): Promise<void> {
  const oldTicksGone = Promise.all(shards.map((shard) => queue.remove(oldTickId(shard))));
  await Promise.all([oldTicksGone.then(() => ticker.start()), worker.ready()]);
}

/** Handles the ticks and pokes of a part. */
function createJobHandler(claims: PollClaims, log: Logger): (job: Job) => Promise<void> {
  let lastTick: Promise<void> = Promise.resolve();
  return async (job) => {
    if (job.name === 'poke') return claims.claimPoked(job.data as PollTarget); // written by this package alone
    const shard = Number(job.data.shard);
    // Ticks of a part run one after another: they share the free slots, and each takes one round
    // trip to Redis.
    lastTick = lastTick
      .then(() => claims.claimDue(shard))
      .catch((error: unknown) => log.warn({ shard, ...errorFields(error) }, 'a tick could not claim; the next one will try again'));
    await lastTick;
  };
}

/**
 * In an older version a tick was one job that delayed itself. One that is left from then would wait
 * for ever, and BullMQ would look at it whenever it has nothing to do.
 */
const oldTickId = (shard: number): string => `tick-${shard}`;
