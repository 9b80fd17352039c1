import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { later, newTarget, pollLog, preparePollQueues } from '../../test/poll-queue.ts';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { shardKeys } from '../redis/keys.ts';
import { createInstanceHolds, type InstanceHold, type InstanceHolds } from './instance-hold.ts';
import { shardOf } from './shards.ts';

const { openProcess, consume } = preparePollQueues();

let runtime: TestRuntime;
let holds: InstanceHolds;
beforeEach(() => {
  runtime = openTestRuntime(inject('redisUrl'));
  holds = createInstanceHolds({ ...runtime, now: Date.now });
});
afterEach(() => runtime.close());

async function held(instanceKey: string): Promise<InstanceHold> {
  const hold = await holds.take(instanceKey);
  if (hold.kind === 'busy') throw new Error('expected a free instance');
  return hold;
}

describe('a held instance', () => {
  it('cannot be held twice, and only after the spacing again', async () => {
    const { instanceKey } = newTarget();
    const hold = await held(instanceKey);
    expect(await holds.take(instanceKey)).toMatchObject({ kind: 'busy', freeInMs: expect.any(Number) });
    await (await held(newTarget().instanceKey)).release(); // another instance is free
    const before = Date.now(); // Redis runs on this machine
    await Promise.all([hold.release(), hold.release()]);
    const [, , busy] = shardKeys(runtime.namespace, shardOf({ ...newTarget(), instanceKey }));
    const freeAt = Number(await runtime.redis.zscore(busy, instanceKey));
    expect(freeAt).toBeGreaterThanOrEqual(before + 1_100);
    expect(freeAt).toBeLessThanOrEqual(Date.now() + 1_100);
  });

  it('is polled only after its release', async () => {
    const process = openProcess(runtime.namespace);
    const target = newTarget();
    const hold = await held(target.instanceKey);
    const polls = pollLog();
    await consume(process.queue, {
      poll: async (claim) => {
        polls.add(claim);
        return { nextAt: null };
      },
    });
    const other = newTarget();
    expect(await process.queue.ensure(target, later())).toBeGreaterThan(0);
    await process.queue.ensure(other, later());
    expect((await polls.until(1))[0]?.target).toEqual(other);
    await hold.release();
    expect((await polls.until(2))[1]?.target).toEqual(target);
  });

  it('is not taken while a poll is under way', async () => {
    const process = openProcess(runtime.namespace);
    const target = newTarget();
    const polls = pollLog();
    const answered = Promise.withResolvers<void>();
    await consume(process.queue, {
      poll: async (claim) => {
        polls.add(claim);
        await answered.promise;
        return { nextAt: null };
      },
    });
    await process.queue.ensure(target, later());
    await polls.until(1);
    expect(await holds.take(target.instanceKey)).toMatchObject({ kind: 'busy' });
    answered.resolve();
  });
});

it('returns the sessions of an instance in the queue, of all tenants, and no others', async () => {
  const { queue } = openProcess(runtime.namespace);
  const [one, two, other] = [newTarget('key-1', 'acme'), newTarget('key-1', 'other'), newTarget('key-10')];
  for (const target of [one, two, other]) await queue.ensure(target, later());
  expect([...(await holds.watchedSessions('key-1'))].sort()).toEqual([one.sessionId, two.sessionId].sort());
  await queue.cancel(one);
  expect(await holds.watchedSessions('key-1')).toEqual([two.sessionId]);
  expect(await holds.watchedSessions('key-2')).toEqual([]);
});

describe('a Retry-After', () => {
  it('is kept, and never shortened', async () => {
    const { instanceKey } = newTarget();
    expect(await holds.retryAfterMs(instanceKey)).toBe(0);
    await holds.keepRetryAfter(instanceKey, 60_000);
    await holds.keepRetryAfter(instanceKey, 1_000);
    expect(await holds.retryAfterMs(instanceKey)).toBeGreaterThan(50_000);
    expect(await holds.take(instanceKey)).toMatchObject({ kind: 'busy' });
  });

  it('at the end of a hold is kept, however short it is', async () => {
    const { instanceKey } = newTarget();
    const hold = await held(instanceKey);
    const before = Date.now(); // Redis runs on this machine
    await hold.release(3_000);
    await hold.release();
    const [, , busy] = shardKeys(runtime.namespace, shardOf({ ...newTarget(), instanceKey }));
    const freeAt = Number(await runtime.redis.zscore(busy, instanceKey));
    expect(freeAt).toBeGreaterThanOrEqual(before + 3_000);
    expect(freeAt).toBeLessThanOrEqual(Date.now() + 3_000);
  });

  it('is kept even if the hold was lost', async () => {
    const { instanceKey } = newTarget();
    const hold = await held(instanceKey);
    const [, , busy] = shardKeys(runtime.namespace, shardOf({ ...newTarget(), instanceKey }));
    const before = Date.now();
    await runtime.redis.zadd(busy, before + 1_000, instanceKey); // as another claim does
    await hold.release(60_000);
    expect(Number(await runtime.redis.zscore(busy, instanceKey))).toBeGreaterThanOrEqual(before + 60_000);
  });

  it('is 0 while the instance is only held', async () => {
    const { instanceKey } = newTarget();
    const hold = await held(instanceKey);
    expect(await holds.retryAfterMs(instanceKey)).toBe(0);
    await hold.release();
  });
});
