/** A worker in a process of its own is killed during a request. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createLog } from '@qrcast/runtime/log';
import { startWorker, type Worker } from '@qrcast/worker/worker';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { BASE_ENVIRONMENT } from '../test/base-environment.ts';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { spawnWorker, WORKER_MAIN, type WorkerProcess } from '../test/worker-process.ts';

/**
 * Far longer than a lease. A poll within two of these did not wait for the next interval, on any
 * machine.
 */
const INTERVAL_MS = 30_000;

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function openWithoutWorkers(): Promise<Cluster> {
  const cluster = await openCluster({ redisUrl: inject('redisUrl'), workers: 0, policy: { intervalMs: INTERVAL_MS } });
  opened.push(cluster);
  return cluster;
}

async function startProcess(cluster: Cluster): Promise<WorkerProcess> {
  const started = await spawnWorker(cluster);
  opened.push(started);
  return started;
}

async function joinWorker({ worker }: Cluster): Promise<Worker> {
  const joined = await startWorker({ ...worker, log: createLog('test', 'silent') });
  opened.push({ close: () => joined.close(1_000) });
  return joined;
}

describe('a worker process', () => {
  it('killed in the middle of a poll is replaced within two intervals, without a duplicate poll before', async () => {
    const cluster = await openWithoutWorkers();
    const worker = await startProcess(cluster);
    const instance = cluster.newInstance();
    instance.fail('qr', 'hang', { times: 1, ms: 60_000 });
    const viewer = cluster.view((await cluster.create(instance)).ticket);
    await instance.untilRequests(1);
    await joinWorker(cluster);

    await worker.kill();
    const killedAt = Date.now();
    const [, second] = await instance.untilRequests(2);
    expect((second?.startedAt ?? 0) - killedAt).toBeLessThan(2 * INTERVAL_MS);
    await viewer.until(({ state }) => state === 'showing');
    expect(viewer.versions).toEqual([...new Set(viewer.versions)].sort((a, b) => a - b));
  });

  it('that is only slow keeps its poll, because it extends its lease (twin)', async () => {
    const cluster = await openWithoutWorkers();
    await startProcess(cluster);
    const instance = cluster.newInstance();
    instance.fail('qr', 'hang', { times: 1, ms: 9_000 }); // longer than a lease that is not extended
    const viewer = cluster.view((await cluster.create(instance)).ticket);
    await instance.untilRequests(1);
    await joinWorker(cluster);
    await viewer.until(({ state }) => state === 'showing');
    expect(instance.requests.filter(({ startedAt }) => startedAt < (instance.requests[0]?.endedAt ?? 0))).toHaveLength(1);
    expect(instance.requests.some(({ overlapped }) => overlapped)).toBe(false);
  });

  it('lists every fault of its settings at once, and exits', async () => {
    const child = spawn(process.execPath, [WORKER_MAIN], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...BASE_ENVIRONMENT, QRCAST_POLL_INTERVAL_MS: '10', QRCAST_SECRET_KEYS: 'k1:c2hvcnQ=' },
    });
    let text = '';
    child.stderr.on('data', (part: Buffer) => {
      text += part.toString();
    });
    const [status] = await once(child, 'exit');
    expect(status).toBe(1);
    expect(text).toContain('REDIS_URL: is not set');
    expect(text).toContain('QRCAST_POLL_INTERVAL_MS: expected at least 1100 (ms)');
    expect(text).toContain('QRCAST_SECRET_KEYS: entry 1: the key has 5 bytes, expected at least 32');
    expect(text).not.toContain('c2hvcnQ');
  });
});
