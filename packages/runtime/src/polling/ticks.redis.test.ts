/** Which shards get a tick, on real due-sets. */

import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { openRedisMonitor } from '../../test/monitor.ts';
import { later, newTarget } from '../../test/poll-queue.ts';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { filledShardsChannel, shardKeys } from '../redis/keys.ts';
import { partOf, workParts } from '../redis/work-parts.ts';
import type { PollQueue } from './poll-queue.ts';
import { openPollQueue } from './poll-queue-bullmq.ts';
import { pollMember, SHARD_COUNT, shardOf } from './shards.ts';
import { createTicks, EMPTY_TURNS, FORCED_TURNS, SLICES, type Ticks, type TicksDeps } from './ticks.ts';

const SHARDS = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);

let runtime: TestRuntime;
let queue: PollQueue;
let ticks: Ticks;
let added: number[] = [];
const recorder: TicksDeps['queue'] = {
  add: async (_name, { shard }) => {
    added.push(shard);
    return undefined as never; // the ticks await it alone
  },
};
beforeEach(() => {
  runtime = openTestRuntime(inject('redisUrl'));
  queue = openPollQueue(runtime);
  ticks = createTicks({ ...runtime, queue: recorder, shards: SHARDS });
  added = [];
});
afterEach(async () => {
  await queue.close();
  await runtime.close();
});

/** The shards that get a tick in the turn. */
async function turn(number: number): Promise<readonly number[]> {
  added = [];
  for (let slice = 0; slice < SLICES; slice++) await ticks.add(number, slice);
  return added.toSorted((a, b) => a - b);
}
/** A turn in which the shard has no tick or look that it gets in any case. */
const quietTurn = (shard: number): number => FORCED_TURNS + 1 - (shard % EMPTY_TURNS);
/** Of the shard alone: others may have their turn. */
const isTicked = async (shard: number, number: number): Promise<boolean> => (await turn(number)).includes(shard);

it('a shard gets ticks when something is due in it, and none before', async () => {
  const target = newTarget();
  const shard = shardOf(target);
  const [due] = shardKeys(runtime.namespace, shard);
  await queue.ensure(target, later());
  expect(await isTicked(shard, quietTurn(shard))).toBe(true);
  await runtime.redis.zadd(due, later(), pollMember(target));
  expect(await isTicked(shard, quietTurn(shard))).toBe(false);
});

it('the first member of an empty shard is published, and brings its ticks in the next turn', async () => {
  const target = newTarget();
  const shard = shardOf(target);
  const noticed: number[] = [];
  const heard = Promise.withResolvers<void>();
  runtime.bus.subscribe(filledShardsChannel(runtime.namespace), (number) => {
    noticed.push(Number(number));
    heard.resolve();
  });
  await runtime.bus.begun();
  await turn(quietTurn(shard)); // it is seen to be empty
  await queue.ensure(target, later());
  expect(await isTicked(shard, quietTurn(shard))).toBe(false); // twin: the message was not heard
  await heard.promise;
  ticks.noticeMember(shard);
  expect(await isTicked(shard, quietTurn(shard))).toBe(true);
  await queue.ensure({ ...newTarget(target.instanceKey) }, later());
  await runtime.bus.probe(1_000);
  expect(noticed).toEqual([shard]); // the second member is not news
});

it('a running ticker hears of the first member', async () => {
  const target = newTarget();
  const [due] = shardKeys(runtime.namespace, shardOf(target));
  const { tickerKey } = partOf(workParts(runtime.namespace, runtime.redis), due);
  const monitor = await openRedisMonitor(inject('redisServers'));
  const consumer = await queue.consume({ poll: async () => ({ nextAt: null }), unwatched: async () => undefined }, { concurrency: 1 });
  const seen: string[] = [];
  const looked = (): string[] => seen.filter((key) => key === due);
  monitor.on('monitor', (_time, [name, , count, key = '']) => {
    if (name?.toLowerCase() === 'evalsha' && count === '1' && [due, tickerKey].includes(key)) seen.push(key);
  });
  try {
    await expect.poll(() => looked().length).toBeGreaterThanOrEqual(2); // at the start, and at its turn; the next would be eight turns later
    seen.length = 0;
    await queue.ensure(target, later(), later());
    await expect.poll(() => looked().length).toBeGreaterThanOrEqual(1);
    expect(seen.indexOf(due)).toBeLessThan(4);
  } finally {
    monitor.disconnect();
    await consumer.close(0);
  }
});

it('a member whose message was lost gets a tick within eight turns', async () => {
  const target = newTarget();
  const shard = shardOf(target);
  await turn(quietTurn(shard));
  await queue.ensure(target, later());
  const turns: boolean[] = [];
  for (let i = 0; i < EMPTY_TURNS; i++) turns.push(await isTicked(shard, FORCED_TURNS + 1 + i));
  expect(turns).toContain(true);
});

it('a member that comes while the shard is looked at is not missed', async () => {
  const target = newTarget();
  const shard = shardOf(target);
  const looked = ticks.add(quietTurn(shard), shard % SLICES);
  ticks.noticeMember(shard); // before the answer, which says that it is empty
  await looked;
  await queue.ensure(target, later());
  expect(await isTicked(shard, quietTurn(shard))).toBe(true);
});

it('a worker that becomes the ticker again looks at all shards', async () => {
  const target = newTarget();
  const shard = shardOf(target);
  await turn(quietTurn(shard));
  await queue.ensure(target, later());
  ticks.forget();
  expect(await isTicked(shard, quietTurn(shard))).toBe(true);
});

it('each shard gets one tick a minute although it is empty, spread over the turns', async () => {
  const counts = new Map<number, number>();
  let most = 0;
  for (let number = 0; number < FORCED_TURNS; number++) {
    const shards = await turn(number);
    most = Math.max(most, shards.length);
    for (const shard of shards) counts.set(shard, (counts.get(shard) ?? 0) + 1);
  }
  expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual(SHARDS);
  expect([new Set(counts.values()), most]).toEqual([new Set([1]), 1]);
});
