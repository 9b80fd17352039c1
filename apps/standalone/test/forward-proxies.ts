/**
 * For tests: what must work with the provider behind any forward proxy, tested with the programs
 * that operators run.
 */

import { createHash } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { parseHttpProxy } from '@qrcast/core/http-proxy';
import { openProvider } from '@qrcast/provider/provider';
import { TEST_CERTIFICATE } from '@qrcast/provider/test/certificate';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { openSimulator } from '@qrcast/simulator/simulator';
import { describe, expect, it } from 'vitest';
import { isMissing } from './find-program.ts';
import { type ProxyName, startApache, startTinyproxy, type TestedProxy } from './proxies.ts';
import { openTlsFront } from './tls-front.ts';

const USER = 'user';
const PASSWORD = 'hunter2';
const APACHE_MODULES = '/usr/lib/apache2/modules';

/** Starts the proxy. It requires `USER` and `PASSWORD`, and allows tunnels to this port only. */
type Start = (releasers: Releasers, port: number) => Promise<TestedProxy>;

export const startForwardApache: Start = async (releasers, port) => {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-htpasswd-'));
  releasers.push('htpasswd', () => rm(folder, { recursive: true }));
  await chmod(folder, 0o755); // Apache reads it as another user
  const file = join(folder, 'htpasswd');
  await writeFile(file, `${USER}:{SHA}${createHash('sha1').update(PASSWORD).digest('base64')}\n`);
  const modules = ['proxy_connect', 'auth_basic', 'authn_core', 'authn_file', 'authz_user'];
  return startApache(
    releasers,
    `${modules.map((name) => `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`).join('\n')}
ProxyRequests On
AllowCONNECT ${port}
<Proxy "*">
  AuthType Basic
  AuthName "proxy"
  AuthUserFile ${file}
  Require valid-user
</Proxy>`,
  );
};

export const startForwardTinyproxy: Start = (releasers, port) =>
  startTinyproxy(releasers, `ConnectPort ${port}\nBasicAuth ${USER} ${PASSWORD}`);

export function describeForwardProxy(program: ProxyName, start: Start): void {
  describe.skipIf(isMissing(program))(`${program} as HTTPS_PROXY`, () => {
    it('is asked for tunnels, which are used again; what it refuses ends no session', async () => {
      const releasers = createReleasers();
      const trusted = tls.getCACertificates('default');
      tls.setDefaultCACertificates([...trusted, TEST_CERTIFICATE]);
      releasers.push('certificates', () => tls.setDefaultCACertificates(trusted));
      try {
        await tryProxy(releasers, start);
      } finally {
        await releasers.release();
      }
    });
  });
}

async function tryProxy(releasers: Releasers, start: Start): Promise<void> {
  const simulator = await openSimulator({ enforceRateLimit: false });
  releasers.push('simulator', () => simulator.close());
  const front = await openTlsFront(() => Number(new URL(simulator.url).port));
  releasers.push('TLS', () => front.close());
  const proxy = await start(releasers, front.port);
  const { idInstance: instanceId, apiToken } = simulator.createInstance();
  const at = (port: number) => ({ instanceId, apiToken, apiUrl: `https://localhost:${port}` });

  const faults: (number | null)[] = [];
  function open(userinfo: string) {
    const route = { proxy: parseHttpProxy(proxy.url.replace('://', `://${userinfo}`)), isDirect: () => false };
    const provider = openProvider({ proxyRoute: route, onProxyFault: ({ status }) => void faults.push(status) });
    releasers.push('provider', () => provider.close());
    return provider;
  }

  const provider = open(`${USER}:${PASSWORD}@`);
  for (let i = 0; i < 2; i++) expect(await provider.poll(at(front.port), 'state')).toEqual({ kind: 'notAuthorized' });
  const before = front.connections();
  for (let i = 0; i < 5; i++) expect(await provider.poll(at(front.port), 'qr')).toMatchObject({ kind: 'code' });
  expect(front.connections()).toBe(before);
  expect(faults).toEqual([]);

  const unreachable = { kind: 'trouble', code: 'provider_unreachable', isUnanswered: true };
  for (const userinfo of ['', `${USER}:wrong@`]) expect(await open(userinfo).poll(at(front.port), 'state')).toEqual(unreachable);
  expect(await provider.poll(at(1), 'state')).toEqual(unreachable); // a port that it allows no tunnels to
  expect(faults.map((status) => status !== null && status >= 401)).toEqual([true, true, true]);
}
