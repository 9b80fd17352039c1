/**
 * A managed Redis closes connections that are idle. Nobody may notice: nothing is lost, no process
 * becomes unready, and no log says anything.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisProgram, openRedisServer } from '@qrcast/runtime/redis/redis-server';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { openSimulator } from '@qrcast/simulator/simulator';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createCallers } from '../test/callers.ts';
import { type Environment, type Program, spawnRole } from '../test/role-process.ts';

/** Redis counts whole seconds. A connection that is not idle is used every 2 s, and may be a second late. */
const IDLE_SECONDS = 3;
const ROUNDS = 2;
const ADMIN_KEY = randomBytes(24).toString('hex');

let releasers: Releasers;
beforeEach(() => {
  releasers = createReleasers();
});
afterEach(() => releasers.release());

async function openRedis(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-idle-'));
  releasers.push('folder', () => rm(folder, { recursive: true, force: true }));
  const program = findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server';
  const server = await openRedisServer({ program, folder, persistent: false });
  releasers.push('redis', () => server.close());
  return server.url;
}

function start(role: 'gateway' | 'worker', env: Environment): Program {
  const program = spawnRole(role, env);
  releasers.push(role, () => program.stop());
  return program;
}

/** Resolves when the server has closed a connection that nobody used. */
async function untilIdleCut(redisUrl: string): Promise<void> {
  const idle = new Redis(redisUrl, { retryStrategy: () => null });
  const ended = once(idle, 'end');
  await idle.ping();
  await ended;
  await expect(idle.ping()).rejects.toThrow('Connection is closed'); // what happens without a reconnect
}

const complaints = (program: Program): string[] =>
  program
    .output()
    .split('\n')
    .filter((line) => /"level":[456]0/.test(line));

it('a Redis that closes idle connections is not noticed by gateway, worker and viewers', async () => {
  const redisUrl = await openRedis();
  const simulator = await openSimulator();
  releasers.push('simulator', () => simulator.close());
  const env = {
    PORT: '0',
    QRCAST_DRAIN_MS: '0',
    QRCAST_ADMIN_KEY: ADMIN_KEY,
    REDIS_URL: redisUrl,
    QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    QRCAST_UPSTREAM_HOSTS: simulator.url,
  };
  const [gateway, worker] = [start('gateway', env), start('worker', env)];
  const url = `http://127.0.0.1:${(await gateway.until(/"port":(\d+).*gateway listens/))[1]}`;
  const workerUrl = `http://127.0.0.1:${(await worker.until(/"port":(\d+).*worker is up/))[1]}`;
  const callers = createCallers();
  releasers.push('callers', () => callers.close());
  const { body: made } = await callers.call('POST', `${url}/v1/admin/tenants`, { secret: ADMIN_KEY, body: { id: 'acme', name: 'Acme' } });
  const instance = simulator.createInstance();
  const credentials = { instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url };
  const { body: created } = await callers.call('POST', `${url}/v1/sessions`, { secret: String(made['apiKey']), body: credentials });

  const admin = new Redis(redisUrl);
  await admin.config('SET', 'timeout', IDLE_SECONDS);
  admin.disconnect();
  for (let round = 0; round < ROUNDS; round++) await untilIdleCut(redisUrl);
  for (const address of [url, workerUrl]) expect((await fetch(`${address}/readyz`)).status).toBe(200);

  const stream = callers.events(url, String(created['ticket']));
  await stream.until('"showing"');
  for (let round = 0; round < ROUNDS; round++) await untilIdleCut(redisUrl);
  instance.scan();
  await stream.until('"connected"');
  for (const address of [url, workerUrl]) expect((await fetch(`${address}/readyz`)).status).toBe(200);
  expect([gateway, worker].flatMap(complaints)).toEqual([]);
});
