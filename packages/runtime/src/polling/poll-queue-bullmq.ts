/**
 * The poll queue over BullMQ and the due-sets: what gateways call. The polling side is
 * poll-consumer.ts.
 */

import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { errorFields, type Logger } from '../log.ts';
import { type Namespace, POLL_QUEUE_NAME, queuePrefix, shardKeys } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { LEASE_MS } from './poll-claims.ts';
import { consumePolls } from './poll-consumer.ts';
import type { PollQueue, PollTarget } from './poll-queue.ts';
import { parsePollMember, pollMember, shardOf } from './shards.ts';

export interface PollQueueDeps {
  /** A `commands` connection; the queue does not close it. */
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly log: Logger;
}

/** Far below the number of values that Lua can unpack. */
const MEMBERS_PER_CALL = 500;
/**
 * A delayed wake-up must not come before its due time. The delay runs by our clock, the due time is
 * by the clock of Redis.
 */
const WAKE_MARGIN_MS = 10;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a method for each call of the interface, over one queue and its scripts.
export function openPollQueue(deps: PollQueueDeps): PollQueue {
  const { redis, redisUrl, namespace, log } = deps;
  const ensure = loadLuaScript(redis, new URL('./shard-ensure-3.lua', import.meta.url));
  const renew = loadLuaScript(redis, new URL('./shard-renew-2.lua', import.meta.url));
  const poke = loadLuaScript(redis, new URL('./shard-poke-4.lua', import.meta.url));
  const queue = new Queue(POLL_QUEUE_NAME, { connection: redis, prefix: queuePrefix(namespace) });
  queue.on('error', () => undefined); // the connection logs its errors

  /**
   * Wakes an idle worker when the target is due, if that is soon. If a request is under way, its
   * end decides what follows, and nobody is woken. At most one wake-up per session waits. A lost
   * wake-up delays the poll by at most a tick, because the due-set decides.
   */
  async function wakeWorker(target: PollTarget, dueInMs: number): Promise<void> {
    if (dueInMs < 0 || dueInMs > MIN_SPACING_MS) return;
    const delay = dueInMs === 0 ? 0 : dueInMs + WAKE_MARGIN_MS;
    // Jobs without a priority run before all others, so ticks never wait behind wake-ups.
    const options = { jobId: `poke-${target.sessionId}`, delay, priority: 1, removeOnComplete: true, removeOnFail: true };
    await queue
      .add('poke', target, options)
      .catch((error: unknown) => log.warn(errorFields(error), 'no worker was woken; the next tick will poll'));
  }

  async function renewShard(shard: number, members: readonly string[], watchedUntil: number): Promise<PollTarget[]> {
    const [due, watch] = shardKeys(namespace, shard);
    const missing: PollTarget[] = [];
    for (let i = 0; i < members.length; i += MEMBERS_PER_CALL) {
      const reply = await renew([due, watch], [watchedUntil, ...members.slice(i, i + MEMBERS_PER_CALL)]);
      missing.push(...(reply as string[]).map(parsePollMember));
    }
    return missing;
  }

  return {
    async ensure(target, watchedUntil, dueAt, replaces = false) {
      const [due, watch, busy] = shardKeys(namespace, shardOf(target));
      const args = [pollMember(target), target.instanceKey, watchedUntil, LEASE_MS, dueAt ?? '', replaces ? '1' : ''];
      const [busyForMs, dueInMs] = (await ensure([due, watch, busy], args)) as [number, number]; // as the script returns it
      await wakeWorker(target, dueInMs);
      return busyForMs;
    },

    async renew(targets, watchedUntil) {
      const byShard = new Map<number, string[]>();
      for (const target of targets) {
        const shard = shardOf(target);
        byShard.set(shard, [...(byShard.get(shard) ?? []), pollMember(target)]);
      }
      const missing = await Promise.all([...byShard].map(([shard, members]) => renewShard(shard, members, watchedUntil)));
      return missing.flat();
    },

    async poke(target, ask) {
      const dueInMs = await poke(shardKeys(namespace, shardOf(target)), [pollMember(target), target.instanceKey, ask ?? '']);
      await wakeWorker(target, Number(dueInMs));
    },

    async cancel(target) {
      const [due, watch, , poked] = shardKeys(namespace, shardOf(target));
      const member = pollMember(target);
      await redis.multi().zrem(due, member).zrem(watch, member).hdel(poked, member).exec();
    },

    consume: (handlers, { concurrency }) => consumePolls({ redis, redisUrl, namespace, log, queue }, handlers, concurrency),

    async ping(timeoutMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`the queue did not answer within ${timeoutMs} ms`)), timeoutMs);
      });
      await Promise.race([queue.getJobCounts('delayed'), late]).finally(() => clearTimeout(timer));
    },

    async close() {
      await queue.close();
    },
  };
}
