import type { LookupFunction } from 'node:net';
import { parseHttpProxy } from '@qrcast/core/http-proxy';
import { afterEach, expect, test } from 'vitest';
import { openConnectProxy } from '../test/connect-proxy.ts';
import { openTunnel, type Tunnel, type TunnelOptions } from './tunnel.ts';

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

function open(url: string, options: Partial<TunnelOptions> = {}): { tunnel: Tunnel; faults: string[] } {
  const faults: string[] = [];
  const onFault: TunnelOptions['onFault'] = ({ kind }, target) => void faults.push(`${kind} ${target}`);
  const tunnel = openTunnel({ proxy: parseHttpProxy(url), agent: {}, onFault, ...options });
  opened.push(tunnel);
  return { tunnel, faults };
}

const ask = (tunnel: Tunnel) => tunnel.dispatcher.request({ origin: 'https://hooks.example.com', path: '/', method: 'GET' });

test('a CONNECT without an answer ends in time, and its connection with it', async () => {
  const proxy = await openConnectProxy({ route: () => null });
  opened.push(proxy);
  const { tunnel, faults } = open(proxy.url, { connectTimeoutMs: 50 });
  for (let i = 0; i < 2; i++) await expect(ask(tunnel)).rejects.toMatchObject({ kind: 'timeout' });
  expect(faults).toEqual(Array(2).fill('timeout hooks.example.com:443'));
  await proxy.untilIdle();
});

test('a name that is never resolved ends in time, and the proxy is not asked', async () => {
  const proxy = await openConnectProxy();
  opened.push(proxy);
  const lookup: LookupFunction = () => undefined;
  const { tunnel } = open(proxy.url, { connectTimeoutMs: 50, lookup });
  await expect(ask(tunnel)).rejects.toMatchObject({ kind: 'timeout' });
  expect(proxy.targets).toEqual([]);
});

test('a failed name resolution is no fault of the proxy', async () => {
  const proxy = await openConnectProxy();
  opened.push(proxy);
  const lookup: LookupFunction = (_name, _options, callback) => callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
  const { tunnel, faults } = open(proxy.url, { lookup });
  await expect(ask(tunnel)).rejects.toMatchObject({ code: 'ENOTFOUND' });
  expect([faults, proxy.targets]).toEqual([[], []]);
});
