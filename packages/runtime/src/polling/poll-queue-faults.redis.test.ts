/**
 * Processes that die or cannot start, a Redis that is down, polls that throw, and members of an
 * older version.
 */

import { describe, expect, inject, it } from 'vitest';
import { later, newTarget, pollLog, preparePollQueues } from '../../test/poll-queue.ts';
import { openTestProxy } from '../../test/proxy.ts';
import { openTestRuntime } from '../../test/runtime.ts';
import { shardKeys } from '../redis/keys.ts';
import { CLAIM_AHEAD_MS, type PollTarget } from './poll-queue.ts';
import { openPollQueue } from './poll-queue-bullmq.ts';
import { pollMember, shardOf } from './shards.ts';

const { open, openProcess, consume } = preparePollQueues();

describe('PollQueue over BullMQ', () => {
  it('that cannot start consuming leaves no timer behind', async () => {
    const runtime = openTestRuntime(inject('redisUrl'));
    const queue = openPollQueue(runtime);
    await queue.ping(1_000);
    open.push(runtime);
    runtime.redis.disconnect();
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    await expect(
      queue.consume({ poll: async () => ({ nextAt: null }), unwatched: async () => undefined }, { concurrency: 1 }),
    ).rejects.toThrow();
    await expect.poll(timers).toBeLessThanOrEqual(before); // closed sockets to a cluster take a moment
  });

  it('keeps claims exclusive, and a claim without a holder comes due again after its lease', async () => {
    const { runtime, queue } = openProcess();
    const target = newTarget();
    await queue.ensure(target, later());
    // A process claimed it and died: the claim stands in Redis, and nobody extends it.
    const [due, , busy] = shardKeys(runtime.namespace, shardOf(target));
    const leaseEnd = Date.now() + 1_200;
    await runtime.redis.zadd(due, leaseEnd, pollMember(target));
    await runtime.redis.zadd(busy, leaseEnd, target.instanceKey);
    const log = pollLog();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        return { nextAt: claim.startedAt + 60_000 };
      },
    });
    await queue.poke(target);
    const [claim] = await log.until(1);
    expect(claim?.startedAt).toBeGreaterThanOrEqual(leaseEnd);
  });

  it('reports an unwatched session again if its worker could not deal with it, or died first', async () => {
    const { runtime, queue } = openProcess();
    const target = newTarget();
    await queue.ensure(target, Date.now() - 1);
    const [due] = shardKeys(runtime.namespace, shardOf(target));
    const failed = Promise.withResolvers<void>();
    const dealtWith = Promise.withResolvers<void>();
    let reports = 0;
    await consume(queue, {
      unwatched: async () => {
        if (++reports > 1) return dealtWith.resolve();
        failed.resolve();
        throw new Error('Redis refuses writes');
      },
    });
    await failed.promise;
    expect(Number(await runtime.redis.zscore(due, pollMember(target)))).toBeGreaterThan(Date.now());
    await dealtWith.promise;
    await expect.poll(() => runtime.redis.zscore(due, pollMember(target))).toBeNull();
  });

  it('counts a session that was reported as unwatched as gone, and watches it anew at once', async () => {
    const { runtime, queue } = openProcess();
    const target = newTarget();
    const [due, watch] = shardKeys(runtime.namespace, shardOf(target));
    await queue.ensure(target, Date.now() - 1);
    const log = pollLog();
    const missing = Promise.withResolvers<readonly PollTarget[]>();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        return { nextAt: claim.startedAt + 60_000 };
      },
      unwatched: async () => {
        missing.resolve(await queue.renew([target], later()));
        await queue.poke(target);
        await queue.ensure(target, later());
      },
    });
    expect(await missing.promise).toEqual([target]);
    const [claim] = await log.until(1);
    expect(claim?.ask).toBeNull(); // the poke found it gone
    expect(claim?.dueAt).toBeLessThan((claim?.startedAt ?? 0) + CLAIM_AHEAD_MS);
    expect(await runtime.redis.zscore(watch, pollMember(target))).not.toBeNull();
    expect(await runtime.redis.zscore(due, pollMember(target))).not.toBeNull();
  });

  it.each(['frozen', 'refused'] as const)('stops within its grace while Redis is %s', async (fault) => {
    const { port, password } = new URL(inject('serverUrl'));
    const proxy = await openTestProxy(Number(port));
    open.push(proxy);
    const runtime = openTestRuntime(`redis://:${password}@127.0.0.1:${proxy.port}`);
    const queue = openPollQueue(runtime);
    open.push(runtime);
    const consumer = await queue.consume({ poll: async () => ({ nextAt: null }), unwatched: async () => undefined }, { concurrency: 10 });
    if (fault === 'frozen') proxy.freeze();
    proxy.refuse(true);
    if (fault === 'refused') proxy.cut();
    await consumer.close(300); // twin: BullMQ's own close never resolves here, and the test would time out
  });

  it('drops members of an older version without a tenant, but polls the others', async () => {
    const { runtime, queue } = openProcess();
    const log = pollLog();
    const target = newTarget();
    const [due, watch] = shardKeys(runtime.namespace, shardOf(target));
    const old = `${target.sessionId}|${target.instanceKey}`;
    await runtime.redis.multi().zadd(due, 1, old, 2, pollMember(target)).zadd(watch, later(), old, later(), pollMember(target)).exec();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        return { nextAt: claim.startedAt + 60_000 };
      },
    });
    const [claim] = await log.until(1);
    expect(claim?.target).toEqual(target);
    expect([await runtime.redis.zscore(due, old), await runtime.redis.zscore(watch, old)]).toEqual([null, null]);
  });

  it('polls again after a poll that threw', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        if (log.claims.length === 1) throw new Error('a fault of ours');
        return { nextAt: null };
      },
    });
    await queue.ensure(newTarget(), later());
    await log.until(2);
  });
});
