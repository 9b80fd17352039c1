/**
 * Ticks: a BullMQ job for each shard in which something is due, at each turn of the ticker.
 *
 * An installation in which nobody waits costs little: a shard without members is looked at when its
 * first member comes, which is published, and every 4 s, in case that message was lost. Each shard
 * also has a tick once a minute, whatever was seen. It removes what is over, and shows that the workers
 * take jobs.
 */

import type { Queue } from 'bullmq';
import { type Namespace, shardKeys } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { CLAIM_AHEAD_MS } from './poll-queue.ts';
import { SHARD_COUNT } from './shards.ts';

/** The shards are spread over the turn, so that their ticks do not run all at once. */
export const SLICES = 8;
/** A shard without members is looked at once in so many turns: 4 s. */
export const EMPTY_TURNS = 8;
/** Each shard has a tick, whatever is due, once in so many turns: 64 s. */
export const FORCED_TURNS = 128;
/**
 * The tick of a killed worker is stuck for seconds, and its job id with it. The next turns use
 * other ids. Ticks that nobody takes do not pile up beyond these.
 */
const TURNS = 4;
/** Members come due, as a claim sees it, while the tick waits for its worker. */
const LOOK_AHEAD_MS = CLAIM_AHEAD_MS + 150;
/** As shard-look-2.lua returns it. */
const [EMPTY, DUE] = [0, 2];

export interface TicksDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly queue: Pick<Queue, 'add'>;
  readonly shards: readonly number[];
}

export interface Ticks {
  /** Adds the ticks of a slice in a turn. Resolves to whether Redis has answered all that it was asked. */
  add(turn: number, slice: number): Promise<boolean>;
  /** A shard that had no members has one. */
  noticeMember(shard: number): void;
  /** What was seen of the shards may be old: another worker is the ticker, or messages were missed. */
  forget(): void;
}

export function createTicks({ redis, namespace, queue, shards }: TicksDeps): Ticks {
  const look = loadLuaScript(redis, new URL('./shard-look-2.lua', import.meta.url));
  /** Shards that had no members when they were looked at last. */
  const empty = new Set<number>();
  /** Shards into which a member came since the last look was sent. */
  const filled = new Set<number>();
  /** If Redis does not answer, one look or tick of a shard waits for it, and no more. */
  const underWay = new Set<number>();

  async function isDue(shard: number): Promise<boolean> {
    const [due, , busy] = shardKeys(namespace, shard);
    filled.delete(shard);
    const found = await look([due, busy], [LOOK_AHEAD_MS]);
    if (found === EMPTY && !filled.has(shard)) empty.add(shard);
    else empty.delete(shard);
    return found === DUE;
  }

  async function addTick(turn: number, shard: number): Promise<boolean> {
    if (underWay.has(shard)) return false;
    underWay.add(shard);
    try {
      const due = await isDue(shard);
      if (due || isForced(turn, shard)) await queue.add('tick', { shard }, tickOptions(turn, shard));
      return true;
    } catch {
      return false; // Redis is out: the connection logs it
    } finally {
      underWay.delete(shard);
    }
  }

  return {
    async add(turn, slice) {
      const looksAt = (shard: number): boolean => !empty.has(shard) || (turn + shard) % EMPTY_TURNS === 0 || isForced(turn, shard);
      const looked = shards.filter((shard) => shard % SLICES === slice && looksAt(shard));
      const answered = await Promise.all(looked.map((shard) => addTick(turn, shard)));
      return answered.every(Boolean);
    },
    noticeMember(shard) {
      filled.add(shard);
      empty.delete(shard);
    },
    forget: () => empty.clear(),
  };
}

/** Spread over the turns, so that there is one in 2 s. */
const isForced = (turn: number, shard: number): boolean => (turn + (shard * FORCED_TURNS) / SHARD_COUNT) % FORCED_TURNS === 0;

const tickOptions = (turn: number, shard: number) => ({
  jobId: `tick-${shard}-${turn % TURNS}`,
  removeOnComplete: true,
  removeOnFail: true,
});
