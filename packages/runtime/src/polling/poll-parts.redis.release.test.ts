/** A master of a cluster that does not answer holds up only what stands at it. */

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ClusterStage, openClusterStage } from '../../test/cluster-stage.ts';
import { later, newTarget, preparePollQueues } from '../../test/poll-queue.ts';
import { redisNow } from '../../test/redis-time.ts';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { signal } from '../../test/sentinel-stage.ts';
import { shardKeys, wholeWork } from '../redis/keys.ts';
import type { PollTarget } from './poll-queue.ts';
import { openPollQueue } from './poll-queue-bullmq.ts';
import { pollMember, shardOf } from './shards.ts';

const twin = vi.hoisted(() => ({ hasWholeWork: false }));
vi.mock('../redis/work-parts.ts', async (original) => {
  const real = await original<typeof import('../redis/work-parts.ts')>();
  const workParts: typeof real.workParts = (ns, redis) => (twin.hasWholeWork ? [wholeWork(ns)] : real.workParts(ns, redis));
  return { ...real, workParts };
});

/** Nobody is replaced while a test runs. */
const NODE_TIMEOUT_MS = '60000';
const INTERVAL_MS = 1_000;

let stage: ClusterStage;
beforeAll(async () => {
  stage = await openClusterStage({ masters: 3, replicas: 0 });
  for (const port of stage.ports) await stage.admin(port).config('SET', 'cluster-node-timeout', NODE_TIMEOUT_MS);
});
afterAll(() => stage.close());

const { open, consume } = preparePollQueues();

interface Polled {
  readonly target: PollTarget;
  /** The port of the master that has its due-set. */
  readonly at: number;
  count(): number;
}

const dueKeyOf = (namespace: string, target: PollTarget): string => shardKeys(namespace, shardOf(target))[0];
const masterOf = async (key: string): Promise<number> => (await stage.masterOf(key)).port;

/** A worker, and a session at each master that it has polled. */
async function openPolled(): Promise<{ runtime: TestRuntime; all: readonly Polled[] }> {
  const runtime = openTestRuntime(stage.url);
  const queue = openPollQueue(runtime);
  open.push(runtime, queue);
  const counts = new Map<string, number>();
  await consume(queue, {
    async poll({ target: { sessionId }, startedAt }) {
      counts.set(sessionId, (counts.get(sessionId) ?? 0) + 1);
      return { nextAt: startedAt + INTERVAL_MS };
    },
  });
  const byMaster = new Map<number, PollTarget>();
  while (byMaster.size < stage.ports.length) {
    const target = newTarget();
    byMaster.set(await masterOf(dueKeyOf(runtime.namespace, target)), target);
  }
  const all = [...byMaster].map(([at, target]) => ({ at, target, count: () => counts.get(target.sessionId) ?? 0 }));
  for (const { target } of all) await queue.ensure(target, later());
  await untilPolled(all, 1);
  return { runtime, all };
}

/** Resolves when each was polled so often from now on. */
async function untilPolled(some: readonly Polled[], times: number): Promise<void> {
  const before = some.map(({ count }) => count());
  await expect.poll(() => some.filter(({ count }, i) => count() < (before[i] ?? 0) + times)).toEqual([]);
}

describe('while a master is frozen', () => {
  it('the sessions of all others are polled, and its own when it is back', async () => {
    const { all } = await openPolled();
    for (const { at } of all) {
      signal(stage.pidOf(at), 'SIGSTOP');
      await untilPolled(
        all.filter((one) => one.at !== at),
        3,
      );
      signal(stage.pidOf(at), 'SIGCONT');
      await untilPolled(all, 1);
    }
  });

  it('(twin) no session is polled if all jobs are at that master', async () => {
    twin.hasWholeWork = true;
    const { runtime, all } = await openPolled();
    twin.hasWholeWork = false;
    const queueAt = await masterOf(wholeWork(runtime.namespace).queuePrefix);
    signal(stage.pidOf(queueAt), 'SIGSTOP');
    const other = all.find(({ at }) => at !== queueAt) ?? expect.unreachable('there are three masters');
    const due = dueKeyOf(runtime.namespace, other.target);
    const overdueMs = async (): Promise<number> =>
      (await redisNow(stage.admin(other.at))) - Number(await runtime.redis.zscore(due, pollMember(other.target)));
    await expect.poll(overdueMs).toBeGreaterThan(2 * INTERVAL_MS);
    signal(stage.pidOf(queueAt), 'SIGCONT');
    await untilPolled(all, 1);
  });
});
