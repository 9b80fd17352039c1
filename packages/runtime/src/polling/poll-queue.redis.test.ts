import { randomUUID } from 'node:crypto';
import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import { describe, expect, it } from 'vitest';
import { later, newTarget, pollLog, preparePollQueues } from '../../test/poll-queue.ts';
import { shardKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import type { Claim, Polled, PollTarget } from './poll-queue.ts';
import { CLAIM_AHEAD_MS } from './poll-queue.ts';
import { pollMember, SHARD_COUNT, shardOf } from './shards.ts';

const { openProcess, consume } = preparePollQueues();

describe('PollQueue over BullMQ', () => {
  it('polls a newly watched session at once, then at the times it asks for, in one process at a time', async () => {
    const one = openProcess();
    const two = openProcess(one.runtime.namespace);
    const log = pollLog();
    let underWay = 0;
    const poll = async (claim: Claim): Promise<Polled> => {
      expect(++underWay).toBe(1);
      log.add(claim);
      await one.runtime.redis.ping();
      underWay--;
      return { nextAt: claim.startedAt + 1_500 };
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
  });

  it('shortens a watch only if it is replaced', async () => {
    const { queue } = openProcess();
    const [longer, replaced] = [newTarget(), newTarget()];
    for (const target of [longer, replaced]) await queue.ensure(target, later(), later());
    await queue.ensure(longer, Date.now() - 1_000, Date.now());
    await queue.ensure(replaced, Date.now() - 1_000, Date.now(), true);
    const log = pollLog();
    const { promise: left, resolve } = Promise.withResolvers<PollTarget>();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        return { nextAt: null };
      },
      unwatched: async (target) => resolve(target),
    });
    expect((await log.until(1)).map(({ target }) => target)).toEqual([longer]);
    expect(await left).toEqual(replaced);
  });

  it('never asks an instance again within the spacing, whatever its sessions want', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        return { nextAt: claim.startedAt }; // again at once
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
  });

  it('stops at once when cancelled, and a poll that was under way does not bring it back', async () => {
    const { runtime, queue } = openProcess();
    const started = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<Polled>();
    await consume(queue, {
      poll: (claim, { signal }) => {
        started.resolve();
        signal.addEventListener('abort', () => aborted.resolve({ nextAt: claim.startedAt + 10 }));
        return aborted.promise;
      },
    });
    const target = newTarget();
    await queue.ensure(target, later());
    await started.promise;
    await queue.cancel(target);
    await queue.cancel(target);
    await aborted.promise; // the next extension of its lease aborts it
    const [due, watch] = shardKeys(runtime.namespace, shardOf(target));
    expect(await runtime.redis.zscore(due, pollMember(target))).toBeNull();
    expect(await runtime.redis.zscore(watch, pollMember(target))).toBeNull();
  });

  it('drops a session that nobody watches, and reports it', async () => {
    const { queue } = openProcess();
    const left = Promise.withResolvers<PollTarget>();
    await consume(queue, {
      poll: async (claim) => ({ nextAt: claim.startedAt + MIN_SPACING_MS }),
      unwatched: async (target) => left.resolve(target),
    });
    const target = newTarget();
    await queue.ensure(target, Date.now() + 300);
    expect(await left.promise).toEqual(target);
    expect(await queue.renew([target], later())).toEqual([target]);
  });

  it('returns the renewed sessions that are not in the queue', async () => {
    const { queue } = openProcess();
    const known = newTarget();
    const unknown = newTarget();
    await queue.ensure(known, later());
    expect(await queue.renew([known, unknown], later())).toEqual([unknown]);
  });

  it('polls others in the shard while an instance is busy, even with a single request slot', async () => {
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
          return { nextAt: null };
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

  it('starts no more polls at once than allowed', async () => {
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
          return { nextAt: null };
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

  it('defines no script on the connection for commands, because ioredis copies each to every pipeline', async () => {
    const { queue, runtime } = openProcess();
    await queue.ensure(newTarget(), later());
    await queue.ping(5_000);
    const scripts = (redis: RedisClient): string[] => Object.keys(Reflect.get(redis, 'scriptsSet') as object);
    expect(scripts(runtime.redis)).toEqual([]);
    expect(scripts(runtime.producer)).not.toEqual([]);
  });

  it('spreads instances over all shards and keeps one instance in one', () => {
    const shards = new Set(Array.from({ length: 2_000 }, (_, i) => shardOf(newTarget(`instance-${i}`))));
    expect(shards.size).toBe(SHARD_COUNT);
    expect(shardOf(newTarget('same'))).toBe(shardOf(newTarget('same')));
  });
});
