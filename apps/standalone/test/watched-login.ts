/** A gateway and a worker as processes of their own on a given Redis, and viewers that watch one session. */

import { randomBytes } from 'node:crypto';
import type { Releasers } from '@qrcast/runtime/releasers';
import { openSimulator } from '@qrcast/simulator/simulator';
import { expect } from 'vitest';
import { createCallers } from './callers.ts';
import { type Environment, spawnRole } from './role-process.ts';

export interface WatchedLogin {
  readonly sessionId: string;
  /** The person logs in. Resolves when every viewer was told and the gateway is ready. */
  finish(): Promise<void>;
  /** What both processes have printed. */
  outputs(): readonly string[];
}

/**
 * Resolves when every viewer sees a code. Everything it opens is pushed to `releasers`.
 * @param further settings of both processes
 */
export async function openWatchedLogin(redisUrl: string, releasers: Releasers, further: Environment = {}): Promise<WatchedLogin> {
  const simulator = await openSimulator();
  releasers.push('simulator', () => simulator.close());
  const adminKey = randomBytes(24).toString('hex');
  const env = {
    PORT: '0',
    QRCAST_DRAIN_MS: '0',
    QRCAST_ADMIN_KEY: adminKey,
    REDIS_URL: redisUrl,
    QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    QRCAST_UPSTREAM_HOSTS: simulator.url,
    ...further,
  };
  const [gateway, worker] = [spawnRole('gateway', env), spawnRole('worker', env)];
  for (const role of [gateway, worker]) releasers.push('role', () => role.stop());
  const url = `http://127.0.0.1:${(await gateway.until(/"port":(\d+).*gateway listens/))[1]}`;
  await worker.until(/worker is up/);
  const callers = createCallers();
  releasers.push('callers', () => callers.close());
  const { body: made } = await callers.call('POST', `${url}/v1/admin/tenants`, { secret: adminKey, body: { id: 'acme', name: 'Acme' } });
  const instance = simulator.createInstance();
  const { body: created } = await callers.call('POST', `${url}/v1/sessions`, {
    secret: String(made['apiKey']),
    body: { instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url },
  });
  const ticket = String(created['ticket']);
  const streams = [callers.events(url, ticket), callers.webSocket(url, ticket), callers.socketIo(url, ticket, ['websocket'])];
  await Promise.all(streams.map((stream) => stream.until('"showing"')));
  return {
    sessionId: String((created['session'] as { id: string }).id), // PROTOCOL.md
    async finish() {
      instance.scan();
      await Promise.all(streams.map((stream) => stream.until('"connected"')));
      await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(200);
    },
    outputs: () => [gateway.output(), worker.output()],
  };
}
