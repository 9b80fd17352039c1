/**
 * The poll queue over BullMQ and the due-sets: what gateways call. The polling side is
 * poll-consumer.ts.
 */

import type { Logger } from '../log.ts';
import type { Meters } from '../metrics/meters.ts';
import type { Bus } from '../redis/bus.ts';
import type { MeasuredClock } from '../redis/clock.ts';
import type { Connections } from '../redis/connections.ts';
import { filledShardChannel, type Namespace, shardKeys } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { publishCommand } from '../redis/publish.ts';
import type { QueueWorkerDeps } from '../redis/queue-worker.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { LEASE_MS } from './poll-claims.ts';
import { consumePolls } from './poll-consumer.ts';
import { openPollParts } from './poll-parts.ts';
import type { PollQueue, PollTarget } from './poll-queue.ts';
import { parsePollMember, pollMember, shardOf } from './shards.ts';
import { createWakeUps } from './wake-ups.ts';

export interface PollQueueDeps {
  /** A `commands` and a `producer` connection; the queue does not close them. */
  readonly redis: RedisClient;
  readonly producer: RedisClient;
  readonly bus: Pick<Bus, 'subscribe' | 'begun' | 'onReset'>;
  /** What opens the connections of a consumer. */
  readonly connections: Pick<Connections, 'open' | 'write'>;
  readonly onWedged?: QueueWorkerDeps['onWedged'];
  readonly namespace: Namespace;
  readonly clock: MeasuredClock;
  readonly log: Logger;
  readonly meters: Meters;
}

/** Far below the number of values that Lua can unpack. */
const MEMBERS_PER_CALL = 500;
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a method for each call of the interface, over one queue and its scripts.
export function openPollQueue(deps: PollQueueDeps): PollQueue {
  const { redis, producer, namespace } = deps;
  const ensure = loadLuaScript(redis, new URL('./shard-ensure-3.lua', import.meta.url));
  const renew = loadLuaScript(redis, new URL('./shard-renew-2.lua', import.meta.url));
  const poke = loadLuaScript(redis, new URL('./shard-poke-4.lua', import.meta.url));
  const parts = openPollParts(producer, namespace);
  const wakeUps = createWakeUps({ ...deps, queueOf: (target) => parts.ofShard(shardOf(target)).queue });

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
      const shard = shardOf(target);
      const [due, watch, busy] = shardKeys(namespace, shard);
      const watched = [pollMember(target), target.instanceKey, watchedUntil, LEASE_MS, dueAt ?? '', replaces ? '1' : ''];
      const args = [...watched, filledShardChannel(namespace, shard), publishCommand(redis)];
      const [busyForMs, dueInMs] = (await ensure([due, watch, busy], args)) as [number, number]; // as the script returns it
      await wakeUps.wake(target, dueInMs);
      return busyForMs;
    },

    async renew(targets, watchedUntil) {
      const byShard = Map.groupBy(targets, shardOf);
      const missing = await Promise.all([...byShard].map(([shard, some]) => renewShard(shard, some.map(pollMember), watchedUntil)));
      return missing.flat();
    },

    async poke(target, ask) {
      const [due, watch, busy, poked] = shardKeys(namespace, shardOf(target));
      const dueInMs = await poke([due, watch, busy, poked], [pollMember(target), target.instanceKey, ask ?? '']);
      await wakeUps.wake(target, Number(dueInMs));
    },

    async cancel(target) {
      const [due, watch, , poked] = shardKeys(namespace, shardOf(target));
      const member = pollMember(target);
      await redis.multi().zrem(due, member).zrem(watch, member).hdel(poked, member).exec();
    },

    consume: (handlers, { concurrency }) => consumePolls({ ...deps, parts: parts.all }, handlers, concurrency),

    async ping(timeoutMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`the queue did not answer within ${timeoutMs} ms`)), timeoutMs);
      });
      const answers = Promise.all(parts.all.map(({ queue }) => queue.getJobCounts('delayed')));
      await Promise.race([answers, late]).finally(() => clearTimeout(timer));
    },

    async close() {
      wakeUps.close();
      await parts.close();
    },
  };
}
