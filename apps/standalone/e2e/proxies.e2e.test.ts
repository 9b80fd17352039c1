/** The proxies of other tests: each passes a request on, and none listens after its release. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { describe, expect, test } from 'vitest';
import { isMissing } from '../test/find-program.ts';
import { type ProxyName, startApache, startCaddy, startHaproxy, startNginx, type TestedProxy } from '../test/proxies.ts';
import { spawnNode } from '../test/role-process.ts';

type Start = (releasers: Releasers, port: number) => Promise<TestedProxy>;

const PROXIES: readonly (readonly [ProxyName, Start])[] = [
  ['nginx', (releasers, port) => startNginx(releasers, `location / { proxy_pass http://127.0.0.1:${port}; }`)],
  ['haproxy', (releasers, port) => startHaproxy(releasers, `  default_backend b\nbackend b\n  server s 127.0.0.1:${port}`)],
  ['apache2', (releasers, port) => startApache(releasers, `ProxyPass / http://127.0.0.1:${port}/`)],
  ['caddy', (releasers, port) => startCaddy(releasers, `reverse_proxy 127.0.0.1:${port}`)],
];

const MODULES = [import.meta.resolve('@qrcast/runtime/releasers'), new URL('../test/proxies.ts', import.meta.url).href];
/** Runs in a process of its own. Starts a proxy, prints its address, and goes on running. */
const LEAVE = `async (program, [releasers, proxies]) => {
  const { createReleasers } = await import(releasers);
  const { startNginx: nginx, startHaproxy: haproxy, startApache: apache2, startCaddy: caddy } = await import(proxies);
  const { url } = await { nginx, haproxy, apache2, caddy }[program](createReleasers(), '');
  console.log('at ' + url);
  setInterval(() => undefined, 60_000);
}`;

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return true;
  } catch {
    return false; // nobody listens
  }
}

describe.concurrent.each(PROXIES)('%s', (program, start) => {
  test.skipIf(isMissing(program))('forwards a request, and has ended after its release', async () => {
    const server = createServer((request, response) => response.end(`saw ${request.url}`));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const releasers = createReleasers();
    releasers.push('server', () => new Promise((resolve) => void server.close(() => resolve())));
    releasers.push('connections', () => server.closeAllConnections());
    const { url } = await start(releasers, (server.address() as AddressInfo).port);

    await expect((await fetch(`${url}/a/path`)).text()).resolves.toBe('saw /a/path');

    await releasers.release();
    await expect(fetch(url)).rejects.toThrow(/fetch failed/);
  });

  test.skipIf(isMissing(program))('ends when its test is killed', async () => {
    const child = spawnNode(['--input-type=module', '-e', `(${LEAVE})('${program}', ${JSON.stringify(MODULES)})`]);
    const [, url = ''] = await child.until(/^at (\S+)$/m);
    expect((await fetch(url)).status).toBeGreaterThan(0);
    child.child.kill('SIGKILL');
    while (await answers(url));
  });
});
