import { randomUUID } from 'node:crypto';
import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { pollMember, SHARD_COUNT, shardKeys, shardOf } from './keys.ts';
import { CLAIM_AHEAD_MS } from './poll-consumer.ts';
import type { Claim, PollHandlers, PollQueue, PollTarget } from './poll-queue.ts';
import { openPollQueue } from './poll-queue-bullmq.ts';
import { openTestProxy } from './test-proxy.ts';
import { openTestRuntime, type TestRuntime } from './test-runtime.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

function openProcess(namespace?: string): { runtime: TestRuntime; queue: PollQueue } {
  const runtime = openTestRuntime(inject('redisUrl'), namespace);
  const queue = openPollQueue(runtime);
  open.push(runtime, queue);
  return { runtime, queue };
}

async function consume(queue: PollQueue, handlers: Partial<PollHandlers>, concurrency = 100): Promise<void> {
  const stop = await queue.consume({ poll: async () => null, unwatched: async () => undefined, ...handlers }, { concurrency });
  open.push({ close: () => stop(1_000) });
}

const newTarget = (instanceKey: string = randomUUID(), tenantId = 'acme'): PollTarget => ({
  sessionId: `ses_${randomUUID()}`,
  instanceKey,
  tenantId,
});
const later = (): number => Date.now() + 60_000;

/** Polls as they happen; `until(n)` resolves with the first n. */
function pollLog() {
  const claims: Claim[] = [];
  let wake: () => void = () => undefined;
  return {
    claims,
    add(claim: Claim): void {
      claims.push(claim);
      wake();
    },
    async until(count: number): Promise<readonly Claim[]> {
      while (claims.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return claims.slice(0, count);
    },
  };
}

describe('PollQueue over BullMQ', () => {
  it('that cannot start consuming leaves no timer behind', async () => {
    const runtime = openTestRuntime(inject('redisUrl'));
    const queue = openPollQueue(runtime);
    await queue.ping(1_000);
    open.push(runtime);
    runtime.redis.disconnect();
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    await expect(queue.consume({ poll: async () => null, unwatched: async () => undefined }, { concurrency: 1 })).rejects.toThrow();
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it('polls a newly watched session at once and then when it says, in one process at a time', async () => {
    const one = openProcess();
    const two = openProcess(one.runtime.namespace);
    const log = pollLog();
    let underWay = 0;
    const poll = async (claim: Claim): Promise<number> => {
      expect(++underWay).toBe(1);
      log.add(claim);
      await one.runtime.redis.ping();
      underWay--;
      return claim.startedAt + 1_500;
    };
    await consume(one.queue, { poll });
    await consume(two.queue, { poll });
    const target = newTarget();
    await Promise.all([one.queue.ensure(target, later()), two.queue.ensure(target, later()), one.queue.ensure(target, later())]);
    const claims = await log.until(3);
    for (const [i, claim] of claims.entries()) {
      expect(claim.target).toEqual(target);
      const previous = claims[i - 1];
      if (previous !== undefined) expect(claim.startedAt - previous.startedAt).toBeGreaterThanOrEqual(1_500 - CLAIM_AHEAD_MS);
    }
  }, 15_000);

  it('never asks one instance closer than the spacing, whatever its sessions want', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        return claim.startedAt; // at once again
      },
    });
    const instance = randomUUID();
    await queue.ensure(newTarget(instance), later());
    await queue.ensure(newTarget(instance), later());
    const claims = await log.until(4);
    expect(new Set(claims.map((claim) => claim.target.sessionId)).size).toBe(2);
    claims.reduce((previous, claim) => {
      expect(claim.startedAt - previous.startedAt).toBeGreaterThanOrEqual(MIN_SPACING_MS);
      return claim;
    });
  }, 15_000);

  it('keeps claims exclusive and frees them by themselves: a claim without a holder comes due again after its lease', async () => {
    const { runtime, queue } = openProcess();
    const target = newTarget();
    await queue.ensure(target, later());
    // A process that claimed and died: the claim's traces are in Redis and nobody extends them.
    const [due, , busy] = shardKeys(runtime.namespace, shardOf(target));
    const leaseEnd = Date.now() + 1_200;
    await runtime.redis.zadd(due, leaseEnd, pollMember(target));
    await runtime.redis.zadd(busy, leaseEnd, target.instanceKey);
    const log = pollLog();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        return claim.startedAt + 60_000;
      },
    });
    await queue.poke(target);
    const [claim] = await log.until(1);
    expect(claim?.startedAt).toBeGreaterThanOrEqual(leaseEnd);
  });

  it('stops at once when cancelled, and a poll that was under way does not bring it back', async () => {
    const { runtime, queue } = openProcess();
    const started = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<number>();
    await consume(queue, {
      poll: (claim, signal) => {
        started.resolve();
        signal.addEventListener('abort', () => aborted.resolve(claim.startedAt + 10));
        return aborted.promise;
      },
    });
    const target = newTarget();
    await queue.ensure(target, later());
    await started.promise;
    await queue.cancel(target);
    await queue.cancel(target);
    await aborted.promise; // by the next extension of its lease
    const [due, watch] = shardKeys(runtime.namespace, shardOf(target));
    expect(await runtime.redis.zscore(due, pollMember(target))).toBeNull();
    expect(await runtime.redis.zscore(watch, pollMember(target))).toBeNull();
  });

  it('lets go of a session nobody watches, and says so', async () => {
    const { queue } = openProcess();
    const left = Promise.withResolvers<PollTarget>();
    await consume(queue, {
      poll: async (claim) => claim.startedAt + MIN_SPACING_MS,
      unwatched: async (target) => left.resolve(target),
    });
    const target = newTarget();
    await queue.ensure(target, Date.now() + 300);
    expect(await left.promise).toEqual(target);
    expect(await queue.renew([target], later())).toEqual([target]);
  });

  it('tells which renewed sessions are not in the queue', async () => {
    const { queue } = openProcess();
    const known = newTarget();
    const unknown = newTarget();
    await queue.ensure(known, later());
    expect(await queue.renew([known, unknown], later())).toEqual([unknown]);
  });

  it('follows a request under way with the one a poke asks for meanwhile, with the spacing between', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    const release = Promise.withResolvers<void>();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        await release.promise;
        return claim.startedAt + 60_000;
      },
    });
    const target = newTarget();
    await queue.ensure(target, later());
    await log.until(1);
    await queue.poke(target, 'state');
    release.resolve();
    const [first, second] = await log.until(2);
    expect([first?.ask, second?.ask]).toEqual([null, 'state']);
    expect((second?.startedAt ?? 0) - (first?.startedAt ?? 0)).toBeGreaterThanOrEqual(MIN_SPACING_MS);
    expect((second?.startedAt ?? 0) - (first?.startedAt ?? 0)).toBeLessThan(30_000);
  });

  it('keeps a session that was poked while its last poll said it needs none', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    const release = Promise.withResolvers<void>();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        await release.promise;
        return null; // decided before the resume that poked
      },
    });
    const target = newTarget();
    await queue.ensure(target, later());
    await log.until(1);
    await queue.poke(target);
    release.resolve();
    await log.until(2);
  });

  it('hands a poke its method', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    const others = pollLog();
    const target = newTarget();
    await consume(queue, {
      poll: async (claim) => {
        (claim.target.sessionId === target.sessionId ? log : others).add(claim);
        return claim.startedAt + (claim.target.sessionId === target.sessionId ? 60_000 : MIN_SPACING_MS);
      },
    });
    await queue.ensure(target, later());
    await log.until(1);
    await queue.ensure(newTarget(), later());
    await others.until(2); // the spacing of the first poll is over
    await queue.poke(target, 'state');
    const [first, poked] = await log.until(2);
    expect([first?.ask, poked?.ask]).toEqual([null, 'state']);
  });

  it.each(['frozen', 'refused'] as const)(
    'stops within its grace while Redis is %s',
    async (fault) => {
      const { port, password } = new URL(inject('redisUrl'));
      const proxy = await openTestProxy(Number(port));
      open.push(proxy);
      const runtime = openTestRuntime(`redis://:${password}@127.0.0.1:${proxy.port}`);
      const queue = openPollQueue(runtime);
      open.push(runtime);
      const stop = await queue.consume({ poll: async () => null, unwatched: async () => undefined }, { concurrency: 10 });
      if (fault === 'frozen') proxy.freeze();
      proxy.refuse(true);
      if (fault === 'refused') proxy.cut();
      await stop(300); // the twin: BullMQ's own close never resolves here, and this test would time out
    },
    15_000,
  );

  it('polls others in the shard while an instance is busy, with room for one request only', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    const release = Promise.withResolvers<void>();
    const instance = randomUUID();
    const held = newTarget(instance);
    const shard = shardOf(held);
    let other = newTarget();
    while (shardOf(other) !== shard) other = newTarget();
    await consume(
      queue,
      {
        poll: async (claim) => {
          log.add(claim);
          if (claim.target.sessionId === held.sessionId) await release.promise;
          return null;
        },
      },
      2,
    );
    await queue.ensure(held, later());
    await log.until(1);
    await queue.ensure(newTarget(instance), later()); // due, and its instance is busy
    await queue.ensure(other, later());
    const [, second] = await log.until(2);
    expect(second?.target).toEqual(other);
    release.resolve();
  });

  it('drops members of a version that did not name the tenant, and polls the others', async () => {
    const { runtime, queue } = openProcess();
    const log = pollLog();
    const target = newTarget();
    const [due, watch] = shardKeys(runtime.namespace, shardOf(target));
    const old = `${target.sessionId}|${target.instanceKey}`;
    await runtime.redis.multi().zadd(due, 1, old).zadd(watch, later(), old).zadd(due, 2, pollMember(target)).exec();
    await queue.renew([target], later());
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        return claim.startedAt + 60_000;
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
        return null;
      },
    });
    await queue.ensure(newTarget(), later());
    await log.until(2);
  }, 15_000);

  it('starts no more polls at once than it may', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    const release = Promise.withResolvers<void>();
    let underWay = 0;
    let most = 0;
    await consume(
      queue,
      {
        poll: async (claim) => {
          most = Math.max(most, ++underWay);
          log.add(claim);
          await release.promise;
          underWay--;
          return null;
        },
      },
      5,
    );
    await Promise.all(Array.from({ length: 12 }, (_, i) => queue.ensure(newTarget(undefined, `tenant-${i}`), later())));
    await log.until(5);
    release.resolve();
    await log.until(12);
    expect(most).toBe(5);
  });

  it('spreads instances over all shards and keeps one instance in one', () => {
    const shards = new Set(Array.from({ length: 2_000 }, (_, i) => shardOf(newTarget(`instance-${i}`))));
    expect(shards.size).toBe(SHARD_COUNT);
    expect(shardOf(newTarget('same'))).toBe(shardOf(newTarget('same')));
  });
});
