import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import { describe, expect, it } from 'vitest';
import { later, newTarget, pollLog, preparePollQueues } from '../../test/poll-queue.ts';
import type { TestRuntime } from '../../test/runtime.ts';
import { POLL_QUEUE_NAME, shardKeys } from '../redis/keys.ts';
import { partOf, workParts } from '../redis/work-parts.ts';
import type { Claim, PollQueue, PollTarget } from './poll-queue.ts';
import { pollMember, shardOf } from './shards.ts';

const { openProcess, consume } = preparePollQueues();

/** How often a tick of the target's shard has begun, by BullMQ's stream of events. */
async function ticksOf({ redis, namespace }: TestRuntime, target: PollTarget): Promise<number> {
  const { queuePrefix } = partOf(workParts(namespace, redis), shardKeys(namespace, shardOf(target))[0]);
  const events = await redis.xrange(`${queuePrefix}:${POLL_QUEUE_NAME}:events`, '-', '+');
  const begun = events.filter(
    ([, fields]) => fields.includes('active') && fields.some((field) => field.startsWith(`tick-${shardOf(target)}-`)),
  );
  return begun.length;
}

describe('PollQueue over BullMQ', () => {
  it('sends the request of a poke after the one under way, with the spacing between them', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    const release = Promise.withResolvers<void>();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        await release.promise;
        return { nextAt: claim.startedAt + 60_000 };
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

  it('keeps a session that was poked while its last poll ended', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    const release = Promise.withResolvers<void>();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        await release.promise;
        return { nextAt: null }; // decided before the poke
      },
    });
    const target = newTarget();
    await queue.ensure(target, later());
    await log.until(1);
    await queue.poke(target);
    release.resolve();
    await log.until(2);
  });

  it('polls with the method of the poke', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    const others = pollLog();
    const target = newTarget();
    await consume(queue, {
      poll: async (claim) => {
        (claim.target.sessionId === target.sessionId ? log : others).add(claim);
        return { nextAt: claim.startedAt + (claim.target.sessionId === target.sessionId ? 60_000 : MIN_SPACING_MS) };
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
});

describe('a provider that sent a Retry-After', () => {
  const RETRY_AFTER_MS = 3_000;

  type Wish = (queue: PollQueue, target: PollTarget, settled: () => Promise<void>) => Promise<unknown>;

  /**
   * Polls once, with a Retry-After or without, then runs the wish. Resolves to the next claim and
   * how much later it came, ms.
   */
  async function askedAgain(hasRetryAfter: boolean, wish: Wish): Promise<[Claim, number]> {
    const { runtime, queue } = openProcess();
    const log = pollLog();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        return { nextAt: claim.startedAt + 60_000, notBefore: hasRetryAfter ? claim.startedAt + RETRY_AFTER_MS : undefined };
      },
    });
    const target = newTarget();
    await queue.ensure(target, later());
    await log.until(1);
    const [due] = shardKeys(runtime.namespace, shardOf(target));
    await wish(queue, target, async () => {
      while (Number(await runtime.redis.zscore(due, pollMember(target))) < Date.now() + 30_000);
    });
    const [first, second] = await log.until(2);
    if (first === undefined || second === undefined) return expect.unreachable();
    return [second, second.startedAt - first.startedAt];
  }

  const wishes = [
    ['a poke', (queue: PollQueue, target: PollTarget) => queue.poke(target, 'state')],
    ['another session of the instance', (queue: PollQueue, { instanceKey }: PollTarget) => queue.ensure(newTarget(instanceKey), later())],
    [
      'the same session, begun anew',
      async (queue: PollQueue, target: PollTarget, settled: () => Promise<void>) => {
        await settled();
        await queue.cancel(target);
        await queue.ensure(target, later());
      },
    ],
  ] as const;

  it.each(wishes)('is not asked by %s until it has passed', async (name, wish) => {
    const [claim, afterMs] = await askedAgain(true, wish);
    expect(afterMs).toBeGreaterThanOrEqual(RETRY_AFTER_MS);
    expect(afterMs).toBeLessThan(30_000); // and not only when the first session is due
    expect(claim.ask).toBe(name === 'a poke' ? 'state' : null);
  });

  it.each(wishes)('(twin) without one is asked by %s as soon as the spacing allows', async (_name, wish) => {
    const [, afterMs] = await askedAgain(false, wish);
    expect(afterMs).toBeGreaterThanOrEqual(MIN_SPACING_MS);
    expect(afterMs).toBeLessThan(30_000);
  });

  it('claims a session that comes in the meantime only once', async () => {
    const { runtime, queue } = openProcess();
    const target = newTarget();
    const [, , busy] = shardKeys(runtime.namespace, shardOf(target));
    await runtime.redis.zadd(busy, Date.now() + 600_000, target.instanceKey);
    const waitMs = await queue.ensure(target, later());
    expect(waitMs).toBeGreaterThan(500_000);
    expect(waitMs).toBeLessThanOrEqual(600_000);
    expect([await queue.ensure(target, later()), await queue.ensure(newTarget(), later())]).toEqual([0, 0]);
    const [due] = shardKeys(runtime.namespace, shardOf(target));
    expect(Number(await runtime.redis.zscore(due, pollMember(target)))).toBeGreaterThan(Date.now()); // not at the head of the set
  });

  it('does not block others, however many of its sessions wait at the head of the set', async () => {
    const { runtime, queue } = openProcess();
    const other = newTarget();
    const [due, watch, busy] = shardKeys(runtime.namespace, shardOf(other));
    const now = Date.now();
    const postponed = Array.from({ length: 30_000 }, (_, i) => newTarget(`postponed-${i}`));
    const scored = (score: number, members: readonly string[]) => members.flatMap((member) => [score, member]);
    await runtime.redis
      .multi()
      .zadd(due, ...scored(now - 60_000, postponed.map(pollMember)))
      .zadd(watch, ...scored(later(), postponed.map(pollMember)))
      .zadd(
        busy,
        ...scored(
          now + 60_000,
          postponed.map(({ instanceKey }) => instanceKey),
        ),
      )
      .exec();
    const log = pollLog();
    await consume(
      queue,
      {
        poll: async (claim) => {
          log.add(claim);
          return { nextAt: claim.startedAt + MIN_SPACING_MS }; // polled by a tick, which begins at the head
        },
      },
      1,
    );
    const before = await ticksOf(runtime, other);
    await queue.ensure(other, later());
    const claims = await log.until(3);
    const ticks = (await ticksOf(runtime, other)) - before;
    expect(ticks).toBeGreaterThan(0);
    expect(ticks).toBeLessThan(20); // it would be 30 if each tick passed only what one look sees
    expect(claims.map(({ target }) => target)).toEqual([other, other, other]);
    expect(await runtime.redis.zcount(due, 0, now)).toBe(0); // they are looked at again later
    expect(await runtime.redis.zcard(due)).toBe(30_001);
  });
});
