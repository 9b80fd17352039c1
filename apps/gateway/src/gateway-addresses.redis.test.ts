/**
 * A gateway that listens on all addresses and is reached by IPv6 and by IPv4. It knows its callers
 * by their plain addresses.
 */

import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { AuditEntry } from '@qrcast/core/audit';
import { afterEach, describe, expect, it } from 'vitest';
import { newInstance, openTestGateway, type TestGateway, type TestGatewayOptions, type TestTenant } from '../test/gateway.ts';
import { openViewer } from '../test/viewer.ts';
import { openSocket } from '../test/websocket.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function openGateway(options: TestGatewayOptions = {}): Promise<TestGateway & { readonly urls: readonly [string, string] }> {
  const test = await openTestGateway({ host: undefined, ...options });
  open.push(test);
  return { ...test, urls: [`http://127.0.0.1:${test.gateway.port}`, `http://[::1]:${test.gateway.port}`] };
}

const hasIPv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));
if (!hasIPv6) process.stdout.write('this machine has no ::1: that a gateway is reached by IPv6 is not tested\n');

const authorization = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });

async function create(url: string, { apiKey }: TestTenant, headers: Record<string, string> = {}): Promise<{ ticket: string }> {
  const response = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { ...authorization(apiKey), 'content-type': 'application/json', ...headers },
    body: JSON.stringify(newInstance()),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as { ticket: string };
}

/**
 * The entries of an action, oldest first, once there are that many. They are written after the
 * answer.
 */
async function addresses(
  { call }: TestGateway,
  { apiKey }: TestTenant,
  action: string,
  count: number,
): Promise<readonly (string | null)[]> {
  for (;;) {
    const { entries } = JSON.parse((await call('GET', `/v1/audit?action=${action}`, { secret: apiKey })).text) as {
      entries: readonly AuditEntry[];
    };
    if (entries.length >= count) return entries.map(({ address }) => address).reverse();
  }
}

const failure = async (url: string): Promise<number> => (await fetch(`${url}/v1/sessions`, { headers: authorization('qk_wrong') })).status;

describe.runIf(hasIPv6)('reached by IPv4 and by IPv6', () => {
  it('records the plain address of a caller in the audit log, over HTTP, WebSocket and Socket.IO', async () => {
    const test = await openGateway();
    for (const url of test.urls) {
      const told = url.includes('::1') ? '::1' : '127.0.0.1';
      const tenant = await test.newTenant();
      const { ticket } = await create(url, tenant);
      expect(await addresses(test, tenant, 'session.created', 1)).toEqual([told]);

      const socket = openSocket(url);
      await socket.call({ type: 'subscribe', ticket });
      socket.raw.close();
      expect(await addresses(test, tenant, 'session.watched', 1)).toEqual([told]);

      const viewer = openViewer(url, (await create(url, tenant)).ticket, {});
      await viewer.until('session');
      viewer.socket.disconnect();
      expect(await addresses(test, tenant, 'session.watched', 2)).toEqual([told, told]);
    }
  });

  it('counts the failures of each address separately', async () => {
    const test = await openGateway({ addressLimits: { handshakesPerAddressPerMinute: 100, failuresPerAddressPerMinute: 3 } });
    const [byIPv4, byIPv6] = test.urls;
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push(await failure(byIPv4));
    expect(statuses).toEqual([401, 401, 401, 429]);
    expect(await failure(byIPv6)).toBe(401);
  });

  it.each([
    ['127.0.0.1', 0],
    ['::1', 1],
  ] as const)('believes a trusted proxy that is named as %s, and no other', async (trusted, which) => {
    const test = await openGateway({ trustedProxies: [trusted] });
    await create(test.urls[which], test.tenant, { 'x-forwarded-for': '203.0.113.7' });
    await create(test.urls[1 - which] ?? '', test.tenant, { 'x-forwarded-for': '203.0.113.8' });
    expect(await addresses(test, test.tenant, 'session.created', 2)).toEqual(['203.0.113.7', which === 0 ? '::1' : '127.0.0.1']);
  });
});

describe('if its port is in use', () => {
  it.each(['0.0.0.0', ...(hasIPv6 ? ['::'] : [])])('on %s, it says so and says what to do', async (host) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    open.push({ close: () => new Promise((resolve) => server.close(() => resolve())) });
    const { port } = server.address() as AddressInfo;
    await expect(openGateway({ port })).rejects.toMatchObject({
      message: `port ${port} cannot be listened on; set PORT to a free one, or to 0`,
      cause: { code: 'EADDRINUSE' },
    });
  });
});
