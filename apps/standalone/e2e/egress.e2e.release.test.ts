/**
 * HTTPS_PROXY, NO_PROXY and QRCAST_CALLBACK_PROXY as an operator sets them, with whole processes, a
 * real proxy, and the provider over TLS.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ConnectProxy, type ConnectProxyOptions, openConnectProxy } from '@qrcast/provider/test/connect-proxy';
import { openTestReceiver } from '@qrcast/runtime/test/receiver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Egress, openEgress } from '../test/egress.ts';
import { startLogin } from '../test/login.ts';
import { type Environment, spawnNode, spawnRole } from '../test/role-process.ts';
import { openTlsFront } from '../test/tls-front.ts';

const CREDENTIALS = 'DOMAIN\\user:p@ss hunter2';
const USERINFO = 'DOMAIN%5Cuser:p%40ss%20hunter2@';
const SECRETS = [CREDENTIALS, USERINFO, 'hunter2', Buffer.from(CREDENTIALS).toString('base64')];
/** Nothing listens there, so a request through it fails. */
const DEAD_PROXY = 'http://127.0.0.1:9';

let egress: Egress;
beforeAll(async () => {
  egress = await openEgress();
});
const opened: { close(): Promise<unknown> }[] = [];
afterAll(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
  await egress.close();
});

async function openProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy & { urlWithCredentials: string }> {
  const proxy = await openConnectProxy({ route: egress.toProvider, ...options });
  opened.push(proxy);
  return { ...proxy, urlWithCredentials: proxy.url.replace('://', `://${USERINFO}`) };
}

function expectNoSecrets(output: string): void {
  for (const secret of SECRETS) expect(output).not.toContain(secret);
}

const linesWith = (output: string, text: string): Record<string, unknown>[] =>
  output
    .split('\n')
    .filter((line) => line.includes(text))
    .map((line) => JSON.parse(line));

// One after another, because any worker over the same Redis may poll and send callbacks.
describe('gateway and worker', () => {
  it('ask the provider through HTTPS_PROXY, only in tunnels, and send no callbacks through it', async () => {
    const proxy = await openProxy({ credentials: CREDENTIALS });
    const receiver = await openTestReceiver();
    opened.push(receiver);
    const { cluster } = egress;
    await cluster.gateways[0]?.tenants.patch('acme', { callback: { url: receiver.url } });
    const roles = await egress.start({
      HTTPS_PROXY: proxy.urlWithCredentials,
      HTTP_PROXY: DEAD_PROXY,
      QRCAST_CALLBACK_HOSTS: receiver.url,
      NODE_USE_ENV_PROXY: '1', // we do not use Node's own support for proxies
      NO_PROXY: 'localhost,10.*',
    });
    const instance = cluster.newInstance();
    const { session } = await roles.create(instance);
    await roles.until(session.id, ({ state }) => state === 'showing');
    const webhook = await roles.call('GET', `/v1/sessions/${session.id}/webhook`); // the gateway itself asks the provider
    expect(await webhook.json()).toMatchObject({
      webhook: { instanceId: instance.idInstance, status: expect.stringMatching(/set|unknown/) },
    });
    const polled = instance.requests.length;
    instance.scan();
    await roles.until(session.id, ({ state }) => state === 'connected');
    const [told] = await receiver.until(1, ({ body }) => body.includes(session.id));
    expect(told?.headers).not.toHaveProperty('proxy-authorization');

    expect(polled).toBeGreaterThan(1);
    expect(new Set(proxy.targets)).toEqual(new Set([`${instance.idInstance.slice(0, 4)}.api.green-api.com:443`]));
    expect(proxy.others).toEqual([]);
    expect(proxy.headers.every((headers) => headers['proxy-authorization'] !== undefined)).toBe(true);
    await roles.stop();
    for (const { output } of [roles.gateway, roles.worker]) {
      const address = { proxy: `127.0.0.1:${proxy.port}`, usedFor: 'requests to the provider' };
      expect(linesWith(output(), 'a proxy is used')).toMatchObject([address]);
      expect(linesWith(output(), 'not understood')).toMatchObject([{ variable: 'NO_PROXY', entries: [2] }]);
    }
    expectNoSecrets(roles.output());
  });

  it('keep sessions live if a proxy refuses them, and log the reason', async () => {
    const status = 407;
    let answer: number | null = status;
    const proxy = await openProxy({ route: () => answer ?? egress.toProvider() });
    const roles = await egress.start({ https_proxy: proxy.urlWithCredentials, HTTPS_PROXY: DEAD_PROXY });
    const instance = egress.cluster.newInstance();
    const { session } = await roles.create(instance);
    const troubled = await roles.until(session.id, ({ notice }) => notice !== null);
    expect(troubled).toMatchObject({ state: 'waiting', notice: { code: 'provider_unreachable' }, end: null });
    await roles.worker.until(/reached no server/);
    answer = null;
    await roles.until(session.id, ({ state }) => state === 'showing');
    await roles.stop();
    const target = `${instance.idInstance.slice(0, 4)}.api.green-api.com:443`;
    const [first] = linesWith(roles.worker.output(), 'reached no server');
    expect(first).toMatchObject({ level: 40, proxy: `127.0.0.1:${proxy.port}`, fault: 'status', status, target, leftOut: 0 });
    expectNoSecrets(roles.output());
    expect(roles.output()).not.toContain('secret-of-the-proxy');
    expect(roles.output()).not.toContain(instance.apiToken);
  });

  it('send callbacks, but no provider requests, through QRCAST_CALLBACK_PROXY', async () => {
    const proxy = await openProxy({
      credentials: CREDENTIALS,
      route: (target) => ({ host: '127.0.0.1', port: Number(target.split(':')[1]) }),
    });
    const receiver = await openTestReceiver();
    opened.push(receiver);
    const { cluster } = egress;
    await cluster.gateways[0]?.tenants.patch('acme', { callback: { url: receiver.url } });
    const roles = await egress.start({
      QRCAST_CALLBACK_PROXY: proxy.urlWithCredentials,
      QRCAST_CALLBACK_HOSTS: receiver.url,
      QRCAST_UPSTREAM_HOSTS: cluster.simulator.url,
      ALL_PROXY: DEAD_PROXY,
    });
    const { session } = await cluster.create(cluster.newInstance());
    await roles.until(session.id, ({ state }) => state === 'showing');
    await cluster.call('DELETE', `/v1/sessions/${session.id}`);
    await receiver.until(1, ({ body }) => body.includes(session.id));
    expect(new Set(proxy.targets)).toEqual(new Set([`127.0.0.1:${receiver.port}`]));
    expect(proxy.others).toEqual([]);
    await roles.stop();
    const address = { proxy: `127.0.0.1:${proxy.port}`, usedFor: 'callbacks and relayed notifications' };
    expect(linesWith(roles.output(), 'a proxy is used')).toMatchObject([address]); // the gateway sends none
    expect(linesWith(roles.output(), 'this proxy is not used')).toMatchObject([{ variable: 'ALL_PROXY' }, { variable: 'ALL_PROXY' }]);
    expectNoSecrets(roles.output());
  });
});

describe.concurrent.each([
  ['gateway', 'https_proxy', `socks5://${USERINFO}proxy:1080`],
  ['worker', 'QRCAST_CALLBACK_PROXY', `http://${USERINFO}proxy:3128/path`],
] as const)('a %s with a faulty %s', (role, variable, value) => {
  it('does not start, and names the setting', async () => {
    const program = spawnRole(role, { REDIS_URL: 'redis://127.0.0.1:1', QRCAST_SECRET_KEYS: '', [variable]: value });
    await program.until(new RegExp(`${variable}: expected http://`));
    await program.stop();
    expectNoSecrets(program.output());
  });
});

describe('on a machine whose environment names proxies for everything', () => {
  const everything: Environment = {
    HTTP_PROXY: DEAD_PROXY,
    HTTPS_PROXY: DEAD_PROXY,
    ALL_PROXY: DEAD_PROXY,
    NODE_USE_ENV_PROXY: '1',
  };

  it('`start` works with its simulator', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'qrcast-egress-'));
    opened.push({ close: () => rm(folder, { recursive: true }) });
    const program = spawnNode([fileURLToPath(new URL('../src/main.ts', import.meta.url))], { PORT: '0', ...everything }, folder);
    await program.until(/Ctrl-C stops everything/);
    await program.stop();
    expect(program.output()).toContain('"proxy":"127.0.0.1:9","usedFor":"requests to the provider"');
  });

  it('`qrcast login` over its own gateway asks the provider through the proxy', async () => {
    const proxy = await openProxy();
    const instance = egress.cluster.newInstance();
    const env = {
      ...everything,
      HTTPS_PROXY: proxy.urlWithCredentials,
      NODE_EXTRA_CA_CERTS: egress.front.caFile,
      GREEN_API_TOKEN: instance.apiToken,
    };
    const run = await startLogin(['login', '--id', instance.idInstance, '--json'], { env });
    opened.push({ close: () => run.clean() });
    await run.until(() => run.output().includes('"state":"showing"'));
    instance.scan();
    expect(await run.ended).toBe(0);
    expect(new Set(proxy.targets)).toEqual(new Set([`${instance.idInstance.slice(0, 4)}.api.green-api.com:443`]));
    expect(run.errors()).toContain(`127.0.0.1:${proxy.port} is the proxy for the provider (HTTPS_PROXY)`);
    expectNoSecrets(run.output() + run.errors());
  });

  it('`start` does not look at a faulty HTTP_PROXY, and a command that Node would fail in names it', async () => {
    const env = { HTTP_PROXY: 'proxy.hunter2:3128', HTTPS_PROXY: DEAD_PROXY };
    const folder = await mkdtemp(join(tmpdir(), 'qrcast-egress-'));
    opened.push({ close: () => rm(folder, { recursive: true }) });
    const program = spawnNode([fileURLToPath(new URL('../src/main.ts', import.meta.url))], { PORT: '0', ...env }, folder);
    await program.until(/Ctrl-C stops everything/);
    await program.stop();
    const gateway = ['--gateway', 'https://gateway.example.com'];
    const run = await startLogin(['login', '--id', '1101000001', ...gateway], {
      env: { ...env, GREEN_API_TOKEN: 'tokentoken', QRCAST_API_KEY: 'qk_1' },
    });
    opened.push({ close: () => run.clean() });
    expect(await run.ended).not.toBe(0);
    expect(run.errors()).toContain('HTTP_PROXY: expected http://');
    expectNoSecrets(program.output() + run.output() + run.errors());
  });

  it('`qrcast login` reaches a gateway elsewhere through the proxy', async () => {
    const { cluster } = egress;
    const gateway = await openTlsFront(() => cluster.gateways[0]?.port ?? 0);
    opened.push(gateway);
    const proxy = await openProxy({ route: () => ({ host: '127.0.0.1', port: gateway.port }) });
    const roles = await egress.start({ QRCAST_UPSTREAM_HOSTS: cluster.simulator.url });
    const instance = cluster.newInstance();
    const env = {
      HTTPS_PROXY: proxy.urlWithCredentials,
      NODE_EXTRA_CA_CERTS: gateway.caFile,
      GREEN_API_TOKEN: instance.apiToken,
      QRCAST_API_KEY: cluster.apiKey,
    };
    const args = ['--api-url', cluster.simulator.url, '--gateway', 'https://gateway.example.com', '--json'];
    const run = await startLogin(['login', '--id', instance.idInstance, ...args], { env });
    opened.push({ close: () => run.clean() });
    await run.until(() => run.output().includes('"state":"showing"'));
    instance.scan();
    expect(await run.ended).toBe(0);
    expect(new Set(proxy.targets)).toEqual(new Set(['gateway.example.com:443']));
    expectNoSecrets(run.output() + run.errors());
    await roles.stop();
  });
});
