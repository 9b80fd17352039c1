/** One process is told to stop: what it has under way, and what a second signal does. */

import { once } from 'node:events';
import { createLog } from '@qrcast/runtime/log';
import { SHARD_COUNT } from '@qrcast/runtime/polling/shards';
import { shardKeys } from '@qrcast/runtime/redis/keys';
import { connectRedis } from '@qrcast/runtime/redis/redis';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { startWorker } from '@qrcast/worker/worker';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { openRollingStage } from '../test/rolling-stage.ts';
import { spawnWorker, type WorkerProcess } from '../test/worker-process.ts';

/** Far below a lease, so a claim that was not settled is due later than an interval. */
const INTERVAL_MS = 1_500;
const ANSWER_MS = 3_000;
const LONG_DRAIN = { QRCAST_DRAIN_MS: '60000' };

let releasers: Releasers;
beforeEach(() => {
  releasers = createReleasers();
});
afterEach(() => releasers.release());

interface PollUnderWay {
  readonly cluster: Cluster;
  readonly worker: WorkerProcess;
  readonly instance: ReturnType<Cluster['newInstance']>;
  readonly viewer: ReturnType<Cluster['view']>;
}

/** The only worker is a process, and it waits for the provider's first answer. */
async function openPollUnderWay(answerMs = ANSWER_MS): Promise<PollUnderWay> {
  const cluster = await openCluster({ redisUrl: inject('redisUrl'), workers: 0, policy: { intervalMs: INTERVAL_MS } });
  releasers.push('cluster', () => cluster.close());
  const worker = await spawnWorker(cluster, LONG_DRAIN);
  releasers.push('worker', () => worker.kill());
  const instance = cluster.newInstance();
  instance.fail('qr', 'hang', { times: 1, ms: answerMs });
  const viewer = cluster.view((await cluster.create(instance)).ticket);
  await instance.untilRequests(1);
  return { cluster, worker, instance, viewer };
}

/** When the only polled session is due next, Unix ms. */
async function dueAt({ worker: { namespace } }: Cluster): Promise<number> {
  const redis = connectRedis(inject('redisUrl'), 'commands', createLog('test', 'silent'));
  const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shardKeys(namespace, shard)[0]);
  const found = (await Promise.all(shards.map((key) => redis.zrange(key, '0', '-1', 'WITHSCORES')))).flat();
  redis.disconnect();
  expect(found).toHaveLength(2);
  return Number(found[1]);
}

/** When the first request was answered, Unix ms. */
function answeredAt({ requests: [first] }: PollUnderWay['instance']): number {
  if (first?.endedAt == null) return expect.unreachable('it was answered');
  return first.at + first.endedAt - first.startedAt;
}

describe('a worker that is told to stop', () => {
  it('tells the answer that it waits for, and leaves the next poll due on time', async () => {
    const { cluster, worker, instance, viewer } = await openPollUnderWay();
    worker.child.kill('SIGTERM');
    expect(await once(worker.child, 'exit')).toEqual([0, null]);
    await viewer.until(({ state }) => state === 'showing');
    expect((await dueAt(cluster)) - answeredAt(instance)).toBeLessThanOrEqual(INTERVAL_MS);

    const next = await startWorker({ ...cluster.worker, log: createLog('test', 'silent') });
    releasers.push('next worker', () => next.close(1_000));
    const requests = await instance.untilRequests(3);
    expect(requests.some(({ overlapped }) => overlapped)).toBe(false);
  });

  it('(twin) leaves its claim behind when it is killed', async () => {
    const { cluster, worker, instance } = await openPollUnderWay(60_000);
    await worker.kill();
    expect((await dueAt(cluster)) - (instance.requests[0]?.at ?? 0)).toBeGreaterThan(INTERVAL_MS);
  });

  it('stops at once at a second signal', async () => {
    const { worker } = await openPollUnderWay(60_000);
    const exit = once(worker.child, 'exit');
    worker.child.kill('SIGTERM');
    worker.child.kill('SIGINT');
    expect(await exit).toEqual([1, null]);
  });
});

describe('a gateway that is told to stop', () => {
  it('stops at once at a second signal, though viewers are connected', async () => {
    const stage = await openRollingStage(inject('redisUrl'), LONG_DRAIN, releasers);
    const gateway = await stage.startGateway();
    stage.ports.add(gateway.port);
    const ticket = await stage.createSession(stage.newInstance());
    // The last of several is told to leave only after most of the drain.
    const viewers = (['websocket', 'sse', 'socket.io'] as const).map((transport) => stage.watch(ticket, transport));
    await Promise.all(viewers.map(({ until }) => until(() => true)));
    const exit = once(gateway.child, 'exit');
    gateway.child.kill('SIGTERM');
    await gateway.until(/a second signal stops at once/);
    gateway.child.kill('SIGTERM');
    expect(await exit).toEqual([1, null]);
    expect(gateway.output()).toContain('stopping at once');
  });
});
