/** A gateway and a worker as processes of their own on a Redis behind Sentinels, whose master fails while a viewer watches. */

import { randomBytes } from 'node:crypto';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { openSentinelStage, type SentinelStage, signal } from '@qrcast/runtime/test/sentinel-stage';
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
  readonly sentinels: SentinelStage;
  readonly url: string;
  readonly roles: readonly ReturnType<typeof spawnRole>[];
}

async function openStage(upstream: string): Promise<Stage> {
  const sentinels = await openSentinelStage();
  releasers.push('sentinels', () => sentinels.close());
  const env = {
    PORT: '0',
    QRCAST_DRAIN_MS: '0',
    QRCAST_ADMIN_KEY: ADMIN_KEY,
    REDIS_URL: sentinels.url,
    QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    QRCAST_UPSTREAM_HOSTS: upstream,
  };
  const [gateway, worker] = [spawnRole('gateway', env), spawnRole('worker', env)];
  for (const role of [gateway, worker]) releasers.push('role', () => role.stop());
  const url = `http://127.0.0.1:${(await gateway.until(/"port":(\d+).*gateway listens/))[1]}`;
  await worker.until(/worker is up/);
  return { sentinels, url, roles: [gateway, worker] };
}

it.each<[string, (sentinels: SentinelStage) => Promise<void>]>([
  ['is killed', async (sentinels) => signal((await sentinels.master()).pid, 'SIGKILL')],
  ['is frozen', async (sentinels) => signal((await sentinels.master()).pid, 'SIGSTOP')],
  ['is demoted', (sentinels) => sentinels.failover()],
])('viewers learn of a login after the master %s', async (_case, fail) => {
  const simulator = await openSimulator();
  releasers.push('simulator', () => simulator.close());
  const { sentinels, url, roles } = await openStage(simulator.url);
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

  const { port } = await sentinels.master();
  await fail(sentinels);
  await sentinels.failedOver(port);
  instance.scan();
  await Promise.all(streams.map((stream) => stream.until('"connected"')));
  await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(200);
  for (const { output } of roles) {
    for (const secret of [sentinels.password, `${sentinels.sentinelPassword}"`, `127.0.0.1:${port}`]) {
      expect(output()).not.toContain(secret);
    }
  }
});
