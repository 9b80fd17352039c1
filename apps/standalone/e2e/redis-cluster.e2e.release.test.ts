/** A gateway and a worker as processes of their own on a Redis Cluster that changes while viewers watch. */

import { randomBytes } from 'node:crypto';
import { sessionKey } from '@qrcast/runtime/redis/keys';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { type ClusterStage, openClusterStage } from '@qrcast/runtime/test/cluster-stage';
import { signal } from '@qrcast/runtime/test/sentinel-stage';
import { openSimulator } from '@qrcast/simulator/simulator';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createCallers } from '../test/callers.ts';
import { spawnRole } from '../test/role-process.ts';

const ADMIN_KEY = randomBytes(24).toString('hex');

let releasers: Releasers;
beforeEach(() => {
  releasers = createReleasers();
});
afterEach(() => releasers.release());

interface Stage {
  readonly cluster: ClusterStage;
  readonly url: string;
  readonly roles: readonly ReturnType<typeof spawnRole>[];
}

async function openStage(upstream: string): Promise<Stage> {
  const cluster = await openClusterStage();
  releasers.push('cluster', () => cluster.close());
  const env = {
    PORT: '0',
    QRCAST_DRAIN_MS: '0',
    QRCAST_ADMIN_KEY: ADMIN_KEY,
    REDIS_URL: cluster.url,
    QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    QRCAST_UPSTREAM_HOSTS: upstream,
  };
  const [gateway, worker] = [spawnRole('gateway', env), spawnRole('worker', env)];
  for (const role of [gateway, worker]) releasers.push('role', () => role.stop());
  const url = `http://127.0.0.1:${(await gateway.until(/"port":(\d+).*gateway listens/))[1]}`;
  await worker.until(/worker is up/);
  return { cluster, url, roles: [gateway, worker] };
}

const replaced = async (cluster: ClusterStage, key: string, fail: (pid: number) => void): Promise<void> => {
  const { port } = await cluster.masterOf(key);
  fail(cluster.pidOf(port));
  await cluster.replaced(port);
};

it.each<[string, (cluster: ClusterStage, key: string) => Promise<void>]>([
  ['the master of its slot is killed', (cluster, key) => replaced(cluster, key, (pid) => signal(pid, 'SIGKILL'))],
  ['the master of its slot is frozen', (cluster, key) => replaced(cluster, key, (pid) => signal(pid, 'SIGSTOP'))],
  ['a replica takes its slot', async (cluster, key) => cluster.failover((await cluster.masterOf(key)).port)],
  ['its slot moves', (cluster, key) => cluster.moveSlot(key)],
  ['the slot of the queue moves', (cluster) => cluster.moveSlot('{qrcast}')],
])('viewers learn of the login of a session after %s', async (_case, change) => {
  const simulator = await openSimulator();
  releasers.push('simulator', () => simulator.close());
  const { cluster, url, roles } = await openStage(simulator.url);
  const callers = createCallers();
  releasers.push('callers', () => callers.close());
  const { body: made } = await callers.call('POST', `${url}/v1/admin/tenants`, { secret: ADMIN_KEY, body: { id: 'acme', name: 'Acme' } });
  const instance = simulator.createInstance();
  const { body: created } = await callers.call('POST', `${url}/v1/sessions`, {
    secret: String(made['apiKey']),
    body: { instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url },
  });
  const ticket = String(created['ticket']);
  const streams = [callers.events(url, ticket), callers.webSocket(url, ticket), callers.socketIo(url, ticket, ['websocket'])];
  await Promise.all(streams.map((stream) => stream.until('"showing"')));

  await change(cluster, sessionKey('qrcast', String((created['session'] as { id: string }).id)));
  instance.scan();
  await Promise.all(streams.map((stream) => stream.until('"connected"')));
  await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(200);
  for (const { output } of roles) expect(output()).not.toContain(cluster.password);
});
