/** Every way in which the provider's host answers or does not. */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import tls from 'node:tls';
import { parseHttpProxy } from '@qrcast/core/http-proxy';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { TEST_CERTIFICATE } from '../test/certificate.ts';
import { openConnectProxy } from '../test/connect-proxy.ts';
import { openTlsUpstream, openUpstream, replyJson } from '../test/upstream.ts';
import { reachHost } from './reach.ts';

const HOST = 'https://1101.api.green-api.com';
const TIMEOUT_MS = 20_000;
const opened: { close(): Promise<void> }[] = [];

beforeAll(() => tls.setDefaultCACertificates([...tls.getCACertificates('default'), TEST_CERTIFICATE]));
afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource.close();
});

const through = (url: string) => ({ proxyRoute: { proxy: parseHttpProxy(url), isDirect: () => false }, timeoutMs: TIMEOUT_MS });
const DIRECT = { proxyRoute: null, timeoutMs: TIMEOUT_MS };

test('any answer counts, and nothing but the path / is asked for', async () => {
  const asked: (string | undefined)[] = [];
  const upstream = await openUpstream((request, response) => {
    asked.push(request.url);
    response.writeHead(404).end('nothing here');
  });
  opened.push(upstream);
  expect(await reachHost(upstream.credentials.apiUrl, DIRECT)).toEqual({ kind: 'answered', status: 404 });
  expect(asked).toEqual(['/']);
});

test('a port where nothing listens is refused', async () => {
  const upstream = await openUpstream((_request, response) => replyJson(response, {}));
  await upstream.close();
  expect(await reachHost(upstream.credentials.apiUrl, DIRECT)).toEqual({ kind: 'failed', cause: 'refused' });
});

test('a server that never answers is given up, and its connection is closed', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connected = once(server, 'connection');
  const reached = reachHost(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { proxyRoute: null, timeoutMs: 500 });
  const [socket] = await connected;
  const closed = once(socket.resume(), 'close');
  expect(await reached).toEqual({ kind: 'failed', cause: 'timeout' });
  await closed;
  server.close();
});

test('a name of a private network is not connected to', async () => {
  const resolve = (_name: string, _options: object, callback: (error: null, found: { address: string; family: number }[]) => void) =>
    callback(null, [{ address: '10.0.0.1', family: 4 }]);
  expect(await reachHost(HOST, { ...DIRECT, resolve })).toEqual({ kind: 'private' });
});

test('the proxy opens the way, refuses it, or is not there', async () => {
  const upstream = await openTlsUpstream((_request, response) => replyJson(response, {}));
  opened.push(upstream);
  const port = Number(new URL(upstream.credentials.apiUrl).port);
  const proxy = await openConnectProxy({ route: () => ({ host: '127.0.0.1', port }) });
  opened.push(proxy);
  expect(await reachHost(HOST, through(proxy.url))).toEqual({ kind: 'answered', status: 200 });
  expect(proxy.targets).toEqual(['1101.api.green-api.com:443']);

  const refusing = await openConnectProxy({ route: () => 403 });
  opened.push(refusing);
  expect(await reachHost(HOST, through(refusing.url))).toEqual({ kind: 'proxy', fault: 'status', status: 403 });
  await refusing.close();
  expect(await reachHost(HOST, through(refusing.url))).toEqual({ kind: 'proxy', fault: 'refused', status: null });
});
