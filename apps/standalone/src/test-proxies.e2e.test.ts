/** The proxies that other tests put in front of a gateway: each passes a request on, and none listens after its release. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { describe, expect, test } from 'vitest';
import { isMissing, type ProxyName, startApache, startCaddy, startHaproxy, startNginx, type TestedProxy } from './test-proxies.ts';

type Start = (releasers: Releasers, port: number) => Promise<TestedProxy>;

const PROXIES: readonly (readonly [ProxyName, Start])[] = [
  ['nginx', (releasers, port) => startNginx(releasers, `location / { proxy_pass http://127.0.0.1:${port}; }`)],
  ['haproxy', (releasers, port) => startHaproxy(releasers, `  default_backend b\nbackend b\n  server s 127.0.0.1:${port}`)],
  ['apache2', (releasers, port) => startApache(releasers, `ProxyPass / http://127.0.0.1:${port}/`)],
  ['caddy', (releasers, port) => startCaddy(releasers, `reverse_proxy 127.0.0.1:${port}`)],
];

describe.concurrent.each(PROXIES)('%s', (program, start) => {
  test.skipIf(isMissing(program))('passes a request on, and is gone after its release', async () => {
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
});
