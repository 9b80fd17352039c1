/**
 * Callbacks through the operator's proxy: the address is still judged here, and the proxy gets only
 * the address.
 */

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, LookupFunction } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { parseHttpProxy } from '@qrcast/core/http-proxy';
import type { ProxyFault } from '@qrcast/provider/proxy-fault';
import { createPublicLookup } from '@qrcast/provider/public-lookup';
import { TEST_CERTIFICATE, TEST_KEY } from '@qrcast/provider/test/certificate';
import { type ConnectProxyOptions, openConnectProxy } from '@qrcast/provider/test/connect-proxy';
import { openTestReceiver } from '@qrcast/runtime/test/receiver';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { newCallbackSecret } from '../../test/callbacks.ts';
import { type CallbackPost, openCallbackPost } from './callback-post.ts';

const PUBLIC = '51.250.12.167';
const PUBLIC_V6 = '2a02:6b8::1';
const open: { close(): Promise<unknown> }[] = [];

beforeAll(() => tls.setDefaultCACertificates([...tls.getCACertificates('default'), TEST_CERTIFICATE]));
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/**
 * Resolves every name to the next of `answers`, then always to the last. Judges them as the worker
 * does.
 */
function lookupOf(answers: readonly (readonly string[])[], named: readonly string[] = []): LookupFunction {
  let asked = 0;
  return createPublicLookup(named, (_hostname, _options, callback) => {
    const found = answers[Math.min(asked++, answers.length - 1)] ?? [];
    callback(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  });
}

interface Receiver {
  readonly port: number;
  readonly seen: readonly { host: string | undefined; name: string | false | null; path: string | undefined }[];
}

async function openTlsReceiver(status = 204, headers: Record<string, string> = {}): Promise<Receiver> {
  const seen: { host: string | undefined; name: string | false | null; path: string | undefined }[] = [];
  const server: Server = createServer({ key: TEST_KEY, cert: TEST_CERTIFICATE }, (request: IncomingMessage, response) => {
    seen.push({ host: request.headers.host, name: (request.socket as TLSSocket & { servername: string }).servername, path: request.url });
    request.resume().once('end', () => response.writeHead(status, headers).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({
    async close() {
      server.closeAllConnections();
      server.close();
    },
  });
  return { port: (server.address() as AddressInfo).port, seen }; // it listens on TCP
}

interface Rig {
  readonly proxy: Awaited<ReturnType<typeof openConnectProxy>>;
  readonly post: CallbackPost;
  readonly faults: readonly string[];
  send(url: string): ReturnType<CallbackPost['send']>;
}

async function openRig(lookup: LookupFunction, options: ConnectProxyOptions = {}, hosts: readonly string[] = ['*']): Promise<Rig> {
  const proxy = await openConnectProxy(options);
  const faults: string[] = [];
  const post = openCallbackPost({
    callbackHosts: hosts,
    lookup,
    proxy: parseHttpProxy(proxy.url.replace('://', '://user:hunter2@')),
    onProxyFault: ({ kind, status }: ProxyFault, target) => void faults.push(`${kind} ${status} ${target}`),
  });
  open.push(proxy, post);
  const send = (url: string) => post.send({ url, id: 'evt_1', payload: '{}', secrets: [newCallbackSecret()] }, Date.now());
  return { proxy, post, faults, send };
}

const to = ({ port }: Receiver): ConnectProxyOptions => ({ route: () => ({ host: '127.0.0.1', port }) });

it('the proxy gets the checked address, and the server sees its own name', async () => {
  const receiver = await openTlsReceiver();
  const { send, proxy, faults } = await openRig(lookupOf([[PUBLIC]]), { ...to(receiver), credentials: 'user:hunter2' });
  expect(await send('https://hooks.example.com/in?a=1')).toEqual({ status: 204 });
  expect(proxy.targets).toEqual([`${PUBLIC}:443`]);
  expect(receiver.seen).toEqual([{ host: 'hooks.example.com', name: 'hooks.example.com', path: '/in?a=1' }]);
  expect(await send('https://other.example.com:8443/in')).toEqual({ status: 204 });
  expect(proxy.targets).toEqual([`${PUBLIC}:443`, `${PUBLIC}:8443`]);
  expect(receiver.seen[1]).toEqual({ host: 'other.example.com:8443', name: 'other.example.com', path: '/in' });
  expect([faults, proxy.others]).toEqual([[], []]);
});

it('a certificate for another name is refused even if the address is right', async () => {
  const receiver = await openTlsReceiver();
  const { send } = await openRig(lookupOf([[PUBLIC]]), to(receiver));
  expect(await send('https://hooks.example.org/')).toEqual({ error: 'unreachable', cause: 'tls' });
  expect(receiver.seen).toEqual([]);
});

it.each([
  ['10.0.0.7'],
  ['127.0.0.1'],
  ['169.254.169.254'],
  ['100.64.0.1'],
  ['0.0.0.0'],
  ['::1'],
  ['fd00::1'],
  ['::ffff:10.0.0.7'],
  ['::ffff:a00:7'],
  ['64:ff9b::a00:7'],
  ['192.168.0.1', 'fe80::1'],
])('%s: the proxy is not asked', async (...addresses) => {
  const { send, proxy } = await openRig(lookupOf([addresses]), { route: () => 200 });
  expect(await send('https://hooks.example.com/')).toEqual({ error: 'address_not_allowed' });
  expect(proxy.targets).toEqual([]);
});

it('of private and public addresses the proxy gets a public one', async () => {
  const receiver = await openTlsReceiver();
  const { send, proxy } = await openRig(lookupOf([['10.0.0.7', PUBLIC, '::1']]), to(receiver));
  expect(await send('https://hooks.example.com/')).toEqual({ status: 204 });
  expect(proxy.targets).toEqual([`${PUBLIC}:443`]);
});

it('a name that changes its address is checked again for each tunnel', async () => {
  const receiver = await openTlsReceiver(204, { connection: 'close' });
  const { send, proxy } = await openRig(lookupOf([[PUBLIC], ['127.0.0.1']]), to(receiver));
  expect(await send('https://hooks.example.com/')).toEqual({ status: 204 });
  expect(await send('https://hooks.example.com/')).toEqual({ error: 'address_not_allowed' });
  expect(proxy.targets).toEqual([`${PUBLIC}:443`]);
});

it.each([
  'https://10.0.0.7/',
  'https://127.0.0.1/',
  'https://[::1]/',
  'https://[::ffff:10.0.0.7]/',
  'https://localhost/',
  'http://hooks.example.com/',
])('%s is not requested, even with a proxy', async (url) => {
  const { send, proxy } = await openRig(lookupOf([[PUBLIC]]), { route: () => 200 });
  expect(await send(url)).toEqual({ error: 'address_not_allowed' });
  expect(proxy.targets).toEqual([]);
});

it.each([301, 302, 303, 307, 308])('a redirect (%i) into our own network is not followed', async (status) => {
  const receiver = await openTlsReceiver(status, { location: 'https://10.0.0.7/' });
  const { send, proxy } = await openRig(lookupOf([[PUBLIC]]), to(receiver));
  expect(await send('https://hooks.example.com/')).toEqual({ status });
  expect(proxy.targets).toEqual([`${PUBLIC}:443`]);
});

it('if the proxy reaches no IPv4 address, it gets an IPv6 one', async () => {
  const receiver = await openTlsReceiver();
  const route = (target: string) => (target.startsWith('[') ? { host: '127.0.0.1', port: receiver.port } : 502);
  const { send, proxy, faults } = await openRig(lookupOf([[PUBLIC_V6, PUBLIC, '51.250.12.168']]), { route });
  expect(await send('https://hooks.example.com/')).toEqual({ status: 204 });
  expect(proxy.targets).toEqual([`${PUBLIC}:443`, `[${PUBLIC_V6}]:443`]);
  expect(faults).toEqual([]);
});

it.each([200, 204, 307, 401, 403, 407, 410, 429, 503])(
  'an answer of the proxy (%i) does not count as an answer of the server',
  async (status) => {
    // A 2xx opens the tunnel, but here nothing is behind it.
    const { send, faults } = await openRig(lookupOf([[PUBLIC]]), { route: () => status });
    expect(await send('https://hooks.example.com/')).toEqual({ error: 'unreachable', cause: status < 300 ? 'tls' : 'proxy' });
    expect(faults).toEqual(status < 300 ? [] : [`status ${status} hooks.example.com:443`]);
  },
);

it('a tunnel is reused', async () => {
  const receiver = await openTlsReceiver();
  const { send, proxy } = await openRig(lookupOf([[PUBLIC]]), to(receiver));
  for (let i = 0; i < 2; i++) await send('https://hooks.example.com/');
  const before = proxy.targets.length;
  for (let i = 0; i < 5; i++) expect(await send('https://hooks.example.com/')).toEqual({ status: 204 });
  expect(proxy.targets).toHaveLength(before);
});

it('hosts that the operator named also go through the proxy, plain http in a tunnel', async () => {
  const receiver = await openTestReceiver();
  open.push(receiver);
  const route = (): { host: string; port: number } => ({ host: '127.0.0.1', port: receiver.port }); // which speaks no TLS
  const { send, proxy } = await openRig(lookupOf([['10.0.0.7']], ['hooks.internal']), { route }, [receiver.url, 'hooks.internal']);
  expect(await send(`${receiver.url}/in`)).toEqual({ status: 204 });
  expect(await send('https://hooks.internal/')).toEqual({ error: 'unreachable', cause: 'tls' });
  expect(proxy.targets).toEqual([`127.0.0.1:${receiver.port}`, '10.0.0.7:443']);
  expect(proxy.others).toEqual([]);
});

it('without the setting callbacks are sent directly', async () => {
  const receiver = await openTlsReceiver();
  const proxy = await openConnectProxy();
  open.push(proxy);
  const hosts = [`hooks.example.com:${receiver.port}`];
  const post = openCallbackPost({ callbackHosts: hosts, lookup: lookupOf([['127.0.0.1']], ['hooks.example.com']) });
  open.push(post);
  const message = { url: `https://${hosts[0]}/`, id: 'evt_1', payload: '{}', secrets: [newCallbackSecret()] };
  expect(await post.send(message, Date.now())).toEqual({ status: 204 });
  expect(proxy.targets).toEqual([]);
});
