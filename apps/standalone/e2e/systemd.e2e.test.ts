/**
 * The units of `infra/systemd`. systemd itself judges the files. It does not run here, so the commands of
 * the units run as ordinary processes, with what the units give them.
 */

import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { freePort } from '@qrcast/runtime/redis/free-port';
import { createReleasers } from '@qrcast/runtime/releasers';
import { openSimulator } from '@qrcast/simulator/simulator';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { isMissing } from '../test/find-program.ts';
import { openRecordingClient, TRANSPORTS } from '../test/recording-client.ts';
import { environmentOf } from '../test/role-process.ts';
import { type InstalledUnits, installUnits, instantiate } from '../test/systemd-stage.ts';

const SERVICES = ['qrcast-gateway@.service', 'qrcast-worker@.service', 'qrcast-start.service'];
const execute = promisify(execFile);

const releasers = createReleasers();
let installed: InstalledUnits;
beforeAll(async () => {
  installed = await installUnits(releasers);
});
afterAll(() => releasers.release());

describe.skipIf(isMissing('systemd-analyze'))('systemd', () => {
  it('has nothing to say against the units', async () => {
    const files = await instantiate(installed, [...SERVICES, 'qrcast.target']);
    expect(await execute('systemd-analyze', ['verify', '--man=no', ...files])).toEqual({ stdout: '', stderr: '' });
  });

  it.each(SERVICES)('finds %s little exposed: 2 of 10 at most', async (name) => {
    const [file = ''] = await instantiate(installed, [name]);
    await execute('systemd-analyze', ['security', '--offline=yes', '--threshold=20', file]);
  });
});

it.skipIf(isMissing('curl'))('two gateways and a worker start, log somebody in while one gateway stops, and stop', async () => {
  const adminKey = randomBytes(24).toString('hex');
  const secretKeys = `k1:${randomBytes(32).toString('base64')}`;
  const simulator = await openSimulator({ rotateMs: 3_000 });
  releasers.push('simulator', () => simulator.close());
  const env = { QRCAST_NAMESPACE: `test-${randomUUID().slice(0, 8)}`, QRCAST_DRAIN_MS: '1000', QRCAST_UPSTREAM_HOSTS: simulator.url };
  await installed.fill('qrcast.env', { ...env, QRCAST_POLL_INTERVAL_MS: '1100' });
  await installed.fill('secrets.env', { REDIS_URL: inject('redisUrl'), QRCAST_SECRET_KEYS: secretKeys });
  await installed.fill('admin.env', { QRCAST_ADMIN_KEY: adminKey });
  const ports = [await freePort(), await freePort(), await freePort()].map(String);
  const start = (name: string, port = ''): ReturnType<InstalledUnits['start']> => installed.start(name, port);
  const units = [
    await start('qrcast-gateway@.service', ports[0]),
    await start('qrcast-gateway@.service', ports[1]),
    await start('qrcast-worker@.service', ports[2]),
  ];
  await Promise.all(units.map(({ started }) => started()));
  for (const { pid } of units) expect(environmentOf(pid)).not.toContain(secretKeys);

  const urls = ports.slice(0, 2).map((port) => `http://127.0.0.1:${port}`);
  const post = async (path: string, secret: string, body: object): Promise<{ apiKey: string; ticket: string }> => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    return (await fetch(`${urls[0]}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json() as never; // PROTOCOL.md
  };
  const { apiKey } = await post('/v1/admin/tenants', adminKey, { id: 'acme', name: 'Acme' });
  const instance = simulator.createInstance();
  const credentials = { instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url };
  const { ticket } = await post('/v1/sessions', apiKey, credentials);
  const viewers = TRANSPORTS.map((transport) => openRecordingClient({ transport, ticket, urls }));
  for (const viewer of viewers) releasers.push('viewer', () => viewer.close());
  await Promise.all(viewers.map(({ until }) => until(({ state }) => state === 'showing')));

  const [first, ...others] = units;
  const ended = once(first?.child ?? expect.unreachable('there are three'), 'exit');
  first?.child.kill('SIGTERM');
  instance.scan();
  await Promise.all(viewers.map(({ until }) => until(({ state }) => state === 'connected')));
  expect(await ended).toEqual([0, null]);
  for (const { child, stop } of others) {
    await stop();
    expect(child.exitCode).toBe(0);
  }
});
