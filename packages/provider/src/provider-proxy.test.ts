/**
 * The provider behind an HTTP proxy, with real proxies, real TLS, and every fault of a proxy.
 */

import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import tls from 'node:tls';
import { inspect } from 'node:util';
import { parseHttpProxy } from '@qrcast/core/http-proxy';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { TEST_CERTIFICATE } from '../test/certificate.ts';
import { type ConnectProxyOptions, openConnectProxy } from '../test/connect-proxy.ts';
import { openTlsUpstream, openUpstream, replyJson, TOKEN, type Upstream } from '../test/upstream.ts';
import { openProvider, type Provider, type ProviderOptions } from './provider.ts';
import type { ProxyFault } from './proxy-fault.ts';

const HOST = '1101.api.green-api.com';
const SECRETS = [TOKEN, 'hunter2', 'secret-of-the-proxy', Buffer.from('user:hunter2').toString('base64')];
const opened: { close(): Promise<void> }[] = [];

beforeAll(() => tls.setDefaultCACertificates([...tls.getCACertificates('default'), TEST_CERTIFICATE]));
afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource.close();
});

const UNREACHABLE = { kind: 'trouble', code: 'provider_unreachable', isUnanswered: true };
const WAITING = { kind: 'notAuthorized' };

interface Faults {
  readonly seen: (readonly [kind: string, status: number | null, target: string])[];
  note(fault: ProxyFault, target: string): void;
}

function createFaults(): Faults {
  const seen: Faults['seen'] = [];
  return {
    seen,
    note(fault, target) {
      seen.push([fault.kind, fault.status, target]);
      const text = inspect(fault, { depth: null, showHidden: true }) + fault.stack;
      for (const secret of SECRETS) expect(text).not.toContain(secret);
    },
  };
}

async function openTarget(): Promise<Upstream> {
  const upstream = await openTlsUpstream((_request, response) => replyJson(response, { stateInstance: 'notAuthorized' }));
  opened.push(upstream);
  return upstream;
}

/** A proxy before a provider over TLS. */
async function openRig(options: ConnectProxyOptions = {}, way: { userinfo?: string; isDirect?: (origin: string) => boolean } = {}) {
  const target = await openTarget();
  const port = Number(new URL(target.credentials.apiUrl).port);
  const proxy = await openConnectProxy({ route: () => ({ host: '127.0.0.1', port }), ...options });
  opened.push(proxy);
  const faults = createFaults();
  const text = proxy.url.replace('://', `://${way.userinfo ?? ''}`);
  const provider = open({
    proxyRoute: { proxy: parseHttpProxy(text), isDirect: way.isDirect ?? (() => false) },
    onProxyFault: faults.note,
  });
  return { target, port, proxy, provider, faults };
}

function open(options: ProviderOptions): Provider {
  const provider = openProvider(options);
  opened.push(provider);
  return provider;
}

const at = (apiUrl: string) => ({ instanceId: '1101000001', apiToken: TOKEN, apiUrl });
const instance = at(`https://${HOST}`);

test.each([
  ['an http proxy', {}],
  ['an https proxy', { tls: true }],
  ['a proxy that is reached by IPv6', { host: '::1' }],
  ['an https proxy that is reached by IPv6', { host: '::1', tls: true }],
])('%s gets a CONNECT to the provider, and sees neither path nor token', async (_what, options) => {
  const { provider, proxy, faults, target } = await openRig(options);
  expect(await provider.poll(instance, 'state')).toEqual(WAITING);
  expect(proxy.targets).toEqual([`${HOST}:443`]);
  expect(proxy.others).toEqual([]);
  expect(JSON.stringify(proxy.headers)).not.toContain(TOKEN);
  expect(proxy.headers[0]).toMatchObject({ host: `${HOST}:443` });
  expect(target.sockets.map((socket) => (socket as tls.TLSSocket).alpnProtocol)).toEqual(['http/1.1']);
  expect(faults.seen).toEqual([]);
});

test('a tunnel serves many polls, every method and the password', async () => {
  const { provider, proxy } = await openRig();
  // As without a proxy, the second request may come before the first connection is free again.
  for (let i = 0; i < 2; i++) await provider.poll(instance, 'state');
  const before = proxy.targets.length;
  for (const method of ['state', 'qr', 'account', 'state'] as const) await provider.poll(instance, method);
  await provider.sendPassword(instance, 'hunter2');
  await provider.getSettings(instance);
  expect(proxy.targets).toHaveLength(before);
  await provider.poll(at('https://1102.api.green-api.com'), 'state');
  expect(proxy.targets.slice(before)).toEqual(['1102.api.green-api.com:443']);
});

test('a tunnel that the proxy closes while it is idle is opened again', async () => {
  const { provider, proxy, target } = await openRig();
  expect(await provider.poll(instance, 'state')).toEqual(WAITING);
  const gone = once(target.sockets[0] as Socket, 'close');
  proxy.cut();
  await gone;
  expect(await provider.poll(instance, 'state')).toEqual(WAITING);
  expect(proxy.targets).toHaveLength(2);
});

test.each([
  ['user:hunter2@', 'user:hunter2'],
  ['DOMAIN%5Cuser:p%40ss%3Ahunter2@', 'DOMAIN\\user:p@ss:hunter2'],
  ['%D0%B8:%D0%BF@', 'и:п'],
])('credentials %s are sent only with CONNECT', async (userinfo, credentials) => {
  const seen: unknown[] = [];
  const target = await openTlsUpstream((request, response) => {
    seen.push(request.headers);
    replyJson(response, { stateInstance: 'notAuthorized' });
  });
  opened.push(target);
  const port = Number(new URL(target.credentials.apiUrl).port);
  const { provider, proxy } = await openRig({ credentials, route: () => ({ host: '127.0.0.1', port }) }, { userinfo });
  expect(await provider.poll(instance, 'state')).toEqual(WAITING);
  expect(proxy.headers[0]?.['proxy-authorization']).toBe(`Basic ${Buffer.from(credentials).toString('base64')}`);
  expect(Object.keys(seen[0] as object)).not.toContain('proxy-authorization');
});

test('exempt hosts and plain http are asked directly', async () => {
  const { provider, proxy, port } = await openRig({}, { isDirect: (origin) => origin.startsWith('https://localhost') });
  const plain = await openUpstream((_request, response) => replyJson(response, { stateInstance: 'notAuthorized' }));
  opened.push(plain);
  expect(await provider.poll(at(`https://localhost:${port}`), 'state')).toEqual(WAITING);
  expect(await provider.poll(plain.credentials, 'state')).toEqual(WAITING);
  expect(proxy.targets).toEqual([]);
  expect(await provider.poll(at(`https://127.0.0.1:${port}`), 'state')).toEqual(WAITING);
  expect(proxy.targets).toEqual([`127.0.0.1:${port}`]);
});

test('a name that is asked directly is checked as without a proxy; the proxy checks the others', async () => {
  const { provider, proxy, faults, port } = await openRig();
  const direct = open({
    proxyRoute: { proxy: parseHttpProxy(proxy.url), isDirect: () => true },
    resolve: ((_name: string, _options: object, callback: (error: null, found: object[]) => void) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }])) as never,
  });
  expect(await direct.poll(at(`https://${HOST}:${port}`), 'state')).toEqual({ kind: 'trouble', code: 'provider_refused' });
  expect(await provider.poll(instance, 'state')).toEqual(WAITING);
  expect(faults.seen).toEqual([]);
});

test.each([401, 403, 404, 407, 429, 500, 502, 503, 504, 302, 400, 466])(
  'a proxy that answers CONNECT with %i: the provider was not reached, and nothing else is said of it',
  async (status) => {
    const { provider, proxy, target, faults } = await openRig({ route: () => status }, { userinfo: 'user:hunter2@' });
    expect(await provider.poll(instance, 'qr')).toEqual(UNREACHABLE);
    expect(await provider.poll(instance, 'state')).toEqual(UNREACHABLE);
    expect(await provider.sendPassword(instance, 'hunter2')).toEqual({ kind: 'trouble', code: 'provider_unreachable' });
    expect(proxy.targets).toHaveLength(3); // once each
    expect(target.sockets).toHaveLength(0);
    expect(faults.seen).toEqual(Array(3).fill(['status', status, `${HOST}:443`]));
  },
);

test('wrong credentials are a fault of the proxy', async () => {
  const { provider, faults } = await openRig({ credentials: 'user:other' }, { userinfo: 'user:hunter2@' });
  expect(await provider.poll(instance, 'state')).toEqual(UNREACHABLE);
  expect(faults.seen).toEqual([['status', 407, `${HOST}:443`]]);
});

test('a proxy that never answers CONNECT ends the poll, and the next one asks again', async () => {
  const proxy = await openConnectProxy({ route: () => null });
  opened.push(proxy);
  const provider = open({ proxyRoute: { proxy: parseHttpProxy(proxy.url), isDirect: () => false }, requestTimeoutMs: 300 });
  const silence = { kind: 'trouble', code: 'provider_timeout', isUnanswered: true };
  expect(await provider.poll(instance, 'state')).toEqual(silence);
  expect(await provider.poll(instance, 'state')).toEqual(silence);
});

test('closing ends a tunnel that is being opened', async () => {
  const asked = Promise.withResolvers<void>();
  const proxy = await openConnectProxy({
    route() {
      asked.resolve();
      return null;
    },
  });
  opened.push(proxy);
  const provider = openProvider({ proxyRoute: { proxy: parseHttpProxy(proxy.url), isDirect: () => false } });
  const poll = provider.poll(instance, 'state');
  await asked.promise;
  await Promise.all([provider.close(), expect(poll).rejects.toMatchObject({ code: 'provider_closed' })]);
  await expect(provider.poll(instance, 'state')).rejects.toMatchObject({ code: 'provider_closed' });
});

test.each<readonly [what: string, kind: string, onConnection: (socket: Socket) => void]>([
  ['closes at once', 'reset', (socket) => socket.destroy()],
  ['closes without an answer', 'reset', (socket) => socket.once('data', () => socket.end())],
  ['resets', 'reset', (socket) => socket.once('data', () => socket.resetAndDestroy())],
  ['closes in the middle of its answer', 'reset', (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 Conn'))],
  ['speaks something else', 'protocol', (socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))],
])('a proxy that %s', async (_what, kind, onConnection) => {
  const url = await openRawServer(onConnection);
  const faults = createFaults();
  const provider = open({ proxyRoute: { proxy: parseHttpProxy(url), isDirect: () => false }, onProxyFault: faults.note });
  expect(await provider.poll(instance, 'state')).toEqual(UNREACHABLE);
  expect(faults.seen).toEqual([[kind, null, `${HOST}:443`]]);
});

test('a proxy that does not listen, has no address or does not speak TLS', async () => {
  const faults = createFaults();
  const gone = await openRawServer(() => undefined);
  await opened.pop()?.close();
  const noTls = (await openRawServer((socket) => socket.end('no TLS here'))).replace('http:', 'https:');
  for (const url of [gone, 'http://nothing.invalid:3128', noTls]) {
    const provider = open({ proxyRoute: { proxy: parseHttpProxy(url), isDirect: () => false }, onProxyFault: faults.note });
    expect(await provider.poll(instance, 'state')).toEqual(UNREACHABLE);
  }
  expect(faults.seen.map(([kind]) => kind)).toEqual(['refused', 'dns', 'tls']);
});

test('a wrong certificate is the fault of the one that shows it: the proxy or the server behind it', async () => {
  const trusted = tls.getCACertificates('default');
  try {
    tls.setDefaultCACertificates(trusted.filter((text) => text.trim() !== TEST_CERTIFICATE.trim()));
    const behind = await openRig();
    expect(await behind.provider.poll(instance, 'state')).toEqual(UNREACHABLE);
    expect(behind.faults.seen).toEqual([['certificate', null, `${HOST}:443`]]);
    const before = await openRig({ tls: true });
    expect(await before.provider.poll(instance, 'state')).toEqual(UNREACHABLE);
    expect(before.faults.seen).toEqual([['tls', null, `${HOST}:443`]]);
  } finally {
    tls.setDefaultCACertificates(trusted);
  }
  // A host that the certificate does not name.
  const { provider, faults } = await openRig();
  expect(await provider.poll(at('https://api.green-api.com'), 'state')).toEqual(UNREACHABLE);
  expect(faults.seen).toEqual([['certificate', null, 'api.green-api.com:443']]);
});

test("a refusal of the provider through the proxy is the provider's answer", async () => {
  const target = await openTlsUpstream((_request, response) => response.writeHead(401).end());
  opened.push(target);
  const { provider } = await openRig({ route: () => ({ host: '127.0.0.1', port: Number(new URL(target.credentials.apiUrl).port) }) });
  expect(await provider.poll(instance, 'state')).toEqual({ kind: 'refused', reason: 'credentials_rejected' });
});

async function openRawServer(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push({
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
