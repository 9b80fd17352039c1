/** Limits of callers that are not known yet, by their address. */

import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ADMIN_KEY, type Answer, openTestGateway, type TestGateway, type TestGatewayOptions } from '../../test/gateway.ts';

const open: TestGateway[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function openGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const test = await openTestGateway({ ...options, addressLimits: { handshakesPerAddressPerMinute: 3, failuresPerAddressPerMinute: 3 } });
  open.push(test);
  return test;
}

const from = (forwarded: string | undefined): Record<string, string> => (forwarded === undefined ? {} : { 'x-forwarded-for': forwarded });

const fail = ({ call }: TestGateway, forwarded?: string): Promise<Answer> =>
  call('GET', '/v1/sessions', { secret: 'qk_wrong', headers: from(forwarded) });
const list = ({ call }: TestGateway, forwarded?: string): Promise<Answer> => call('GET', '/v1/sessions', { headers: from(forwarded) });

/** The status that a handshake is answered with; 101 if it succeeds. */
function shake({ url }: TestGateway, path: string, forwarded?: string): Promise<{ status: number; retryAfter: string | undefined }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, { headers: from(forwarded) });
  socket.on('error', () => undefined); // the refusal is read below
  return new Promise((resolve) => {
    socket.once('open', () => {
      socket.terminate();
      resolve({ status: 101, retryAfter: undefined });
    });
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
    });
  });
}

const WS = '/v1/ws';
const SOCKET_IO = '/socket.io/?EIO=4&transport=websocket';

describe('failed credentials', () => {
  it('of one address are refused as too many, and so is a valid credential that is not known yet', async () => {
    const test = await openGateway({});
    for (let i = 0; i < 3; i++) expect((await fail(test)).status).toBe(401);
    for (const { status, body, headers } of [await fail(test), await list(test)]) {
      expect([status, body]).toMatchObject([429, { code: 'too_many_requests', limit: 'failuresPerAddressPerMinute' }]);
      expect(body.retryAfterMs).toBeLessThanOrEqual(20_000);
      expect(headers.get('retry-after')).toBe(String(Math.ceil((body.retryAfterMs ?? 0) / 1000)));
    }
    expect((await test.call('GET', '/healthz', { secret: null })).status).toBe(200);
  });

  it('count for credentials of other kinds than the API key, too, but not for a ticket that has ended', async () => {
    const test = await openGateway({});
    const { session } = await test.create();
    const expired = await test.ticketFor(session.id, { expiresAt: Date.now() - 1_000 });
    for (let i = 0; i < 5; i++) expect((await test.call('GET', '/v1/sessions/self', { secret: expired })).status).toBe(401);
    await test.call('GET', '/v1/admin/tenants', { secret: 'no-admin-key' });
    await test.call('GET', '/v1/sessions/self', { secret: 'no.ticket.either' });
    await test.call('GET', '/v1/sessions', { secret: 'qk_wrong' });
    expect((await fail(test)).status).toBe(429);
  });

  it('do not include calls without a credential, as when a page embeds our pictures', async () => {
    const test = await openGateway({});
    for (let i = 0; i < 6; i++) expect((await test.call('GET', '/v1/sessions', { secret: null })).status).toBe(401);
    expect((await list(test)).status).toBe(200);
  });

  it('include a key that was valid and was removed', async () => {
    const test = await openGateway({});
    const { apiKey } = await test.gateway.tenants.addKey(test.tenant.id);
    const withIt = (): Promise<Answer> => test.call('GET', '/v1/sessions', { secret: apiKey });
    expect((await withIt()).status).toBe(200);
    const { keys } = await test.gateway.tenants.get(test.tenant.id);
    await test.gateway.tenants.removeKey(test.tenant.id, keys.at(-1)?.id ?? '');
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push((await withIt()).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
  });

  it('do not stop a caller with a ticket of ours, or with a key that was recently valid', async () => {
    const test = await openGateway({});
    const { ticket } = await test.create();
    const other = await test.newTenant();
    for (let i = 0; i < 4; i++) await fail(test);
    expect((await test.call('GET', '/v1/sessions/self', { secret: ticket })).status).toBe(200);
    expect((await list(test)).status).toBe(200);
    expect((await test.call('GET', '/v1/sessions', { secret: other.apiKey })).status).toBe(429); // it is not known yet
    expect((await test.call('GET', '/v1/admin/tenants', { secret: ADMIN_KEY })).status).toBe(200);
    const { session } = await test.create();
    const expired = await test.ticketFor(session.id, { expiresAt: Date.now() - 1_000 });
    expect((await test.call('GET', '/v1/sessions/self', { secret: expired })).body.code).toBe('unauthenticated');
    const forged = `${ticket.slice(0, -4)}AAAA`;
    expect((await test.call('GET', '/v1/sessions/self', { secret: forged })).status).toBe(429);
  });

  it('do not include notifications, because the provider sends those of all tenants from the same addresses', async () => {
    const test = await openGateway({});
    const path = `/v1/webhooks/green-api/${test.tenant.id}`;
    for (let i = 0; i < 5; i++) expect((await test.call('POST', path, { secret: 'wt_wrong', body: {} })).status).toBe(401);
    expect((await list(test)).status).toBe(200);
    for (let i = 0; i < 5; i++) await test.call('GET', '/v1/sessions', { secret: 'qk_wrong' });
    expect((await fail(test)).status).toBe(429);
    expect((await test.call('POST', path, { secret: test.tenant.webhookToken, body: {} })).status).toBe(200);
  });
});

describe.each([
  ['WebSocket', WS, 429],
  ['Socket.IO', SOCKET_IO, 400],
])('handshakes for %s', (_name, path, refused) => {
  it('of one address are refused as too many; calls are not', async () => {
    const test = await openGateway({});
    for (let i = 0; i < 3; i++) expect((await shake(test, path)).status).toBe(101);
    const { status, retryAfter } = await shake(test, path);
    expect(status).toBe(refused);
    if (path === WS) expect(Number(retryAfter)).toBeGreaterThan(0);
    expect((await list(test)).status).toBe(200);
  });

  it('are told apart behind a trusted proxy: a flood does not affect others', async () => {
    const test = await openGateway({ trustedProxies: ['127.0.0.1'] });
    const flood = await Promise.all(Array.from({ length: 20 }, () => shake(test, path, '203.0.113.7')));
    expect(flood.filter(({ status }) => status === 101)).toHaveLength(3);
    expect((await shake(test, path, '203.0.113.8')).status).toBe(101);
  });

  it('count for the address of the connection if no proxy is trusted, whatever the header says', async () => {
    const test = await openGateway({});
    for (let i = 0; i < 3; i++) expect((await shake(test, path, `203.0.113.${i}`)).status).toBe(101);
    expect((await shake(test, path, '203.0.113.9')).status).toBe(refused);
  });
});

describe('a trusted proxy', () => {
  it('is trusted for the address that it adds, not for what its client sent', async () => {
    const test = await openGateway({ trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] });
    for (let i = 0; i < 3; i++) await fail(test, `198.51.100.${i}, 203.0.113.7, 10.0.0.1`);
    expect((await list(test, '198.51.100.9, 203.0.113.7, 10.0.0.1')).status).toBe(429);
    expect((await list(test, '203.0.113.8, 10.0.0.1')).status).toBe(200);
    expect((await list(test, '203.0.113.7, 203.0.113.8, 10.0.0.1')).status).toBe(200);
  });
});
