/**
 * A small installation: `start` as `infra/systemd/qrcast-start.service` runs it, behind the example of
 * nginx, with a Redis of its own. It is killed, started again at its port, and goes on.
 */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@qrcast/runtime/redis/free-port';
import { createReleasers } from '@qrcast/runtime/releasers';
import { openSimulator } from '@qrcast/simulator/simulator';
import { afterAll, expect, it } from 'vitest';
import { EVERY_TRANSPORT } from '../test/example-gateways.ts';
import { isMissing } from '../test/find-program.ts';
import { startExample, trustTestCertificate } from '../test/proxy-examples.ts';
import { openRecordingClient } from '../test/recording-client.ts';
import { installUnits } from '../test/systemd-stage.ts';
import type { RunningUnit } from '../test/unit-file.ts';

const releasers = createReleasers();
afterAll(() => releasers.release());

it.skipIf(isMissing('nginx') || isMissing('curl'))('start goes on with its sessions after it was killed', async () => {
  trustTestCertificate();
  const simulator = await openSimulator({ rotateMs: 3_000 });
  releasers.push('simulator', () => simulator.close());
  const installed = await installUnits(releasers);
  const port = await freePort();
  const { url } = await startExample(releasers, 'nginx', { ports: [port] });
  const instance = simulator.createInstance();
  await installed.fill('qrcast.env', {
    QRCAST_PUBLIC_URL: url,
    QRCAST_UPSTREAM_HOSTS: simulator.url,
    QRCAST_POLL_INTERVAL_MS: '1100',
    GREEN_API_URL: simulator.url,
  });
  await installed.fill('start.env', { GREEN_API_ID_INSTANCE: instance.idInstance, GREEN_API_TOKEN: instance.apiToken });
  const start = async (): Promise<RunningUnit> => {
    const unit = await installed.start('qrcast-start.service', '', (text) => text.replaceAll('3000', String(port)));
    await unit.started();
    await unit.until(/qrcast is up/);
    return unit;
  };

  const first = await start();
  const { apiKey } = JSON.parse(await readFile(join(installed.root, 'var/lib/qrcast/.qrcast/keys.json'), 'utf8')) as { apiKey: string };
  const call = async (method: string, path: string): Promise<Answer> => {
    const answer = await fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${apiKey}` } });
    return (await answer.json()) as Answer; // PROTOCOL.md
  };
  const [session] = (await call('GET', '/v1/sessions')).sessions ?? [];
  const { ticket = '' } = await call('POST', `/v1/sessions/${session?.id}/tickets`);
  const viewers = EVERY_TRANSPORT.map((transport) => openRecordingClient({ transport, ticket, urls: [url] }));
  for (const viewer of viewers) releasers.push('viewer', () => viewer.close());
  await Promise.all(viewers.map(({ until }) => until(({ state }) => state === 'showing')));

  const killed = once(first.child, 'exit');
  first.child.kill('SIGKILL');
  await killed;
  const second = await start();
  const since = Date.now();
  await Promise.all(viewers.map(({ until }) => until(({ code }) => code !== null && code.issuedAt >= since)));
  instance.scan();
  await Promise.all(viewers.map(({ until }) => until(({ state }) => state === 'connected')));
  expect(new Set(viewers.map(({ last }) => last()?.id))).toEqual(new Set([session?.id]));

  for (const { output } of [first, second]) for (const secret of [apiKey, '/connect#']) expect(output()).not.toContain(secret);
  await second.stop();
  expect(second.child.exitCode).toBe(0);
});

interface Answer {
  readonly sessions?: readonly { readonly id: string }[];
  readonly ticket?: string;
}
