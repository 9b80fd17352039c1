/** Which shards get a tick, on real due-sets. */

import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { openRedisMonitor } from '../../test/monitor.ts';
import { later, newTarget } from '../../test/poll-queue.ts';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { filledShardChannel, shardKeys } from '../redis/keys.ts';
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

const turns = Array.from({ length: FORCED_TURNS }, (_, turn) => turn);

/** The shards that get a tick in the turn. */
async function turn(number: number): Promise<readonly number[]> {
  added = [];
  for (let slice = 0; slice < SLICES; slice++) await ticks.add(number, slice);
  return added.toSorted((a, b) => a - b);
}
/** A turn in which the shard has no tick or look that it gets in any case. */
const quietTurn = (shard: number): number =>
  turns.find((turn) => (turn + shard) % EMPTY_TURNS !== 0 && (turn + 4 * shard) % FORCED_TURNS !== 0) ?? expect.unreachable();
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
  let told = 0;
  const heard = Promise.withResolvers<void>();
  runtime.bus.subscribe(filledShardChannel(runtime.namespace, shard), () => {
    told++;
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
  expect(told).toBe(1); // the second member is not news
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
    if (name?.toLowerCase() === 'evalsha' && ['1', '2'].includes(count ?? '') && [due, tickerKey].includes(key)) seen.push(key);
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

it.each(turns.filter((number) => number % 8 === 0))(
  'a member whose message was lost in turn %i gets a tick within eight turns',
  async (lostIn) => {
    const target = newTarget();
    const shard = shardOf(target);
    await turn(quietTurn(shard));
    await queue.ensure(target, later());
    const found: boolean[] = [];
    for (let i = 0; i < EMPTY_TURNS; i++) found.push(await isTicked(shard, lostIn + i));
    expect(found).toContain(true);
  },
);

it('a shard without members has a tick when the time of a busy instance is over, which removes it', async () => {
  const shard = 5;
  const [, , busy] = shardKeys(runtime.namespace, shard);
  const itsTurn = turns.find((number) => (number + shard) % EMPTY_TURNS === 0) ?? 0;
  await runtime.redis.zadd(busy, later(), 'instance');
  expect(await isTicked(shard, itsTurn)).toBe(false);
  await runtime.redis.zadd(busy, 1, 'instance');
  expect(await isTicked(shard, itsTurn)).toBe(true);
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

it('each shard gets one tick a minute although it is empty, and a turn in four has one', async () => {
  const ticked: number[] = [];
  const turnsWithOne: number[] = [];
  for (const number of turns) {
    const shards = await turn(number);
    ticked.push(...shards);
    if (shards.length === 1) turnsWithOne.push(number);
  }
  expect(ticked.toSorted((a, b) => a - b)).toEqual(SHARDS);
  expect(turnsWithOne).toEqual(turns.filter((number) => number % (FORCED_TURNS / SHARD_COUNT) === 0));
});

it('a shard is looked at in each of its own turns, also after its tick of the minute', async () => {
  const target = newTarget();
  const shard = shardOf(target);
  for (const number of turns.slice(0, EMPTY_TURNS)) await turn(number);
  const forced = turns.find((number) => (number + 4 * shard) % FORCED_TURNS === 0) ?? 0;
  await queue.ensure(target, later(), later()); // not due yet, and not heard of
  expect(await isTicked(shard, forced)).toBe(true);
  await runtime.redis.zadd(shardKeys(runtime.namespace, shard)[0], 1, pollMember(target));
  expect(await isTicked(shard, quietTurn(shard))).toBe(true); // it is known to have a member now
});

it('says whether Redis has answered', async () => {
  const failing = createTicks({ ...runtime, queue: { add: () => Promise.reject(new Error('refused')) }, shards: SHARDS });
  const [number, slice] = [0, 0]; // shard 0 has its tick of the minute
  expect([await ticks.add(number, slice), await failing.add(number, slice)]).toEqual([true, false]);
});
