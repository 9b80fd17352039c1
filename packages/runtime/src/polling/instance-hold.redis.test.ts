import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { later, newTarget, pollLog, preparePollQueues } from '../../test/poll-queue.ts';
import { redisNow } from '../../test/redis-time.ts';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { shardKeys } from '../redis/keys.ts';
import { createInstanceHolds, type InstanceHold, type InstanceHolds } from './instance-hold.ts';
import { shardOf } from './shards.ts';

/** A process estimates the time of Redis. On a busy machine its answer takes longer, and says less. */
const CLOCK_ERROR_MS = 250;
const { openProcess, consume } = preparePollQueues();

let runtime: TestRuntime;
let holds: InstanceHolds;
beforeEach(() => {
  runtime = openTestRuntime(inject('redisUrl'));
  holds = createInstanceHolds(runtime);
});
afterEach(() => runtime.close());

async function held(instanceKey: string): Promise<InstanceHold> {
  const hold = await holds.take(instanceKey);
  if (hold.kind === 'busy') throw new Error('expected a free instance');
  return hold;
}

async function busyUntil(instanceKey: string): Promise<number> {
  const [, , busy] = shardKeys(runtime.namespace, shardOf({ ...newTarget(), instanceKey }));
  return Number(await runtime.redis.zscore(busy, instanceKey));
}

describe('a held instance', () => {
  it('cannot be held twice, and only after the spacing again', async () => {
    const { instanceKey } = newTarget();
    const hold = await held(instanceKey);
    expect(await holds.take(instanceKey)).toMatchObject({ kind: 'busy', freeInMs: expect.any(Number) });
    await (await held(newTarget().instanceKey)).release(); // another instance is free
    const before = await redisNow(runtime.redis);
    await Promise.all([hold.release(), hold.release()]);
    const freeAt = await busyUntil(instanceKey);
    expect(freeAt).toBeGreaterThanOrEqual(before + 1_100);
    expect(freeAt).toBeLessThanOrEqual((await redisNow(runtime.redis)) + 1_100);
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

/** Lets Redis run the extensions and releases twice, as after a reconnect. Returns the calls so far. */
function runTwice(): Promise<unknown>[] {
  const texts = ['instance-hold-extend-2.lua', 'instance-hold-release-2.lua'].map((file) =>
    readFileSync(new URL(file, import.meta.url), 'utf8'),
  );
  const hashes = texts.map((text) => createHash('sha1').update(text).digest('hex'));
  const calls: Promise<unknown>[] = [];
  const { redis } = runtime;
  const run = redis.eval.bind(redis) as (...parts: unknown[]) => Promise<unknown>;
  const runOther = redis.evalsha.bind(redis) as typeof run;
  redis.evalsha = ((hash: string, ...parts: unknown[]) => {
    const text = texts[hashes.indexOf(hash)];
    if (text === undefined) return runOther(hash, ...parts);
    const twice = run(text, ...parts).then(() => run(text, ...parts));
    calls.push(twice);
    return twice;
  }) as typeof redis.evalsha;
  return calls;
}

describe('a hold whose commands Redis runs twice', () => {
  it('is extended, and ends with the spacing', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { instanceKey } = newTarget();
      const hold = await held(instanceKey);
      const calls = runTwice();
      vi.advanceTimersByTime(2_000);
      await expect.poll(() => calls.length).toBe(1);
      await calls[0];
      expect(await holds.take(instanceKey)).toMatchObject({ kind: 'busy' });
      const before = await redisNow(runtime.redis);
      await hold.release();
      const freeAt = await busyUntil(instanceKey);
      expect(freeAt).toBeGreaterThanOrEqual(before + 1_100);
      expect(freeAt).toBeLessThanOrEqual((await redisNow(runtime.redis)) + 1_100);
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends with a Retry-After', async () => {
    const { instanceKey } = newTarget();
    const hold = await held(instanceKey);
    void runTwice();
    const before = await redisNow(runtime.redis);
    await hold.release(3_000);
    const freeAt = await busyUntil(instanceKey);
    expect(freeAt).toBeGreaterThanOrEqual(before + 3_000 - CLOCK_ERROR_MS);
    expect(freeAt).toBeLessThanOrEqual((await redisNow(runtime.redis)) + 3_000 + CLOCK_ERROR_MS);
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
    const before = await redisNow(runtime.redis);
    await hold.release(3_000);
    await hold.release();
    const freeAt = await busyUntil(instanceKey);
    expect(freeAt).toBeGreaterThanOrEqual(before + 3_000 - CLOCK_ERROR_MS);
    expect(freeAt).toBeLessThanOrEqual((await redisNow(runtime.redis)) + 3_000 + CLOCK_ERROR_MS);
  });

  it('is kept even if the hold was lost', async () => {
    const { instanceKey } = newTarget();
    const hold = await held(instanceKey);
    const [, , busy, , claims] = shardKeys(runtime.namespace, shardOf({ ...newTarget(), instanceKey }));
    const before = await redisNow(runtime.redis);
    await runtime.redis
      .multi()
      .zadd(busy, before + 1_000, instanceKey)
      .zadd(claims, before + 1, instanceKey)
      .exec(); // as another claim does
    await hold.release(60_000);
    expect(await busyUntil(instanceKey)).toBeGreaterThanOrEqual(before + 60_000 - CLOCK_ERROR_MS);
  });

  it('that comes from another request during a hold outlasts it', async () => {
    const { instanceKey } = newTarget();
    const hold = await held(instanceKey);
    await holds.keepRetryAfter(instanceKey, 60_000);
    const until = await busyUntil(instanceKey);
    await hold.release();
    expect(await busyUntil(instanceKey)).toBe(until);
  });

  it('is 0 while the instance is only held', async () => {
    const { instanceKey } = newTarget();
    const hold = await held(instanceKey);
    expect(await holds.retryAfterMs(instanceKey)).toBe(0);
    await hold.release();
  });
});
