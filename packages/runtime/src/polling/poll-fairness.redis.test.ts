/** A tenant with more due polls than slots, beside another tenant: when the polls of each start. */

import { randomUUID } from 'node:crypto';
import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { later, newTarget } from '../../test/poll-queue.ts';
import { openTestRuntime } from '../../test/runtime.ts';
import { shardKeys } from '../redis/keys.ts';
import { createHolders } from './fair-share.ts';
import { createPollClaims } from './poll-claims.ts';
import type { PollLeases } from './poll-leases.ts';
import type { PollTarget } from './poll-queue.ts';
import { openPollQueue } from './poll-queue-bullmq.ts';
import { pollMember, shardOf } from './shards.ts';

const PLACES = 40;
/** Three quarters of the slots. */
const SHARE = 30;
const HOSTILE = 2_000;
const HEALTHY = 50;
const ROUNDS = 6;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** All in one shard, where they block each other the most. */
function targetsOf(tenantId: string, count: number): PollTarget[] {
  const targets: PollTarget[] = [];
  while (targets.length < count) {
    const target = { sessionId: `ses_${randomUUID()}`, instanceKey: randomUUID(), tenantId };
    if (shardOf(target) === 0) targets.push(target);
  }
  return targets;
}

/**
 * The hostile tenant's polls never end, and all its sessions are due before those of `neighbour`,
 * which are answered at once. A third tenant has one session. After `ROUNDS` polls of it, resolves
 * to how often each of the neighbour's sessions was polled.
 */
async function pollBeside(neighbour: string): Promise<{ polls: number[]; mostHeld: number }> {
  const runtime = openTestRuntime(inject('redisUrl'));
  const queue = openPollQueue(runtime);
  open.push(runtime, queue);
  const [hostile, healthy] = [targetsOf('hostile', HOSTILE), targetsOf(neighbour, HEALTHY)];
  const [clock] = targetsOf('clock', 1);
  const stuck = new Set(hostile.map(({ sessionId }) => sessionId));
  const polls = new Map(healthy.map(({ sessionId }) => [sessionId, 0]));
  const [filled, rounds] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const held = createHolders();
  let mostHeld = 0;
  let round = 0;

  const [due, watch] = shardKeys(runtime.namespace, 0);
  const enqueue = async (targets: readonly PollTarget[], dueAt: number): Promise<void> => {
    const scored = (score: number) => targets.flatMap((target) => [score, pollMember(target)]);
    await runtime.redis
      .multi()
      .zadd(watch, ...scored(Date.now() + 60_000))
      .zadd(due, ...scored(dueAt))
      .exec();
  };
  await enqueue(hostile, Date.now() - 60_000);
  const consumer = await queue.consume(
    {
      poll: async ({ target, startedAt }, { signal }) => {
        if (stuck.has(target.sessionId)) {
          held.take(target.tenantId);
          mostHeld = Math.max(mostHeld, held.total());
          if (held.total() === SHARE) filled.resolve();
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        } else if (target === clock || target.sessionId === clock?.sessionId) {
          if (++round === ROUNDS) rounds.resolve();
        } else polls.set(target.sessionId, (polls.get(target.sessionId) ?? 0) + 1);
        return { nextAt: startedAt + MIN_SPACING_MS };
      },
      unwatched: async () => undefined,
    },
    { concurrency: PLACES },
  );
  open.push({ close: () => consumer.close(0) });
  await filled.promise;
  await enqueue(healthy, Date.now() - 30_000);
  if (clock !== undefined) await enqueue([clock], Date.now());
  await rounds.promise;
  return { polls: [...polls.values()], mostHeld };
}

describe('a tenant whose polls never end', () => {
  it('keeps within its share, and another tenant is polled as often as if it were alone', async () => {
    const { polls, mostHeld } = await pollBeside('neighbour');
    expect(mostHeld).toBe(SHARE);
    expect(Math.min(...polls)).toBeGreaterThanOrEqual(ROUNDS - 2);
  });

  it('delays its own polls (twin: the others belong to the same tenant)', async () => {
    const { polls } = await pollBeside('hostile');
    expect(Math.max(...polls)).toBe(0);
  });
});

it('claims that run side by side leave a tenant its share of what is really free', async () => {
  const runtime = openTestRuntime(inject('redisUrl'));
  const queue = openPollQueue(runtime);
  open.push(runtime, queue);
  const shards = [0, 1, 2, 3, 4, 5]; // one for each part in a cluster
  const targets = Array.from({ length: 100 }, () => newTarget()).filter((target) => shards.includes(shardOf(target)));
  for (const target of targets) await queue.ensure(target, later(), 1_000);
  const claimed: string[] = [];
  const leases: PollLeases = {
    hold: ({ sessionId }) => void claimed.push(sessionId),
    size: () => 300,
    tenantsAbove: (least) => (least < 300 ? [['acme', 300]] : []),
    close: async () => undefined,
  };
  const handlers = { poll: async () => ({ nextAt: null }), unwatched: async () => undefined };
  const claims = createPollClaims({ ...runtime, leases, handlers, concurrency: 1_000 });
  await Promise.all(shards.map((shard) => claims.claimDue(shard)));
  expect(claimed.toSorted()).toEqual(targets.map(({ sessionId }) => sessionId).toSorted());
});
