/**
 * A tenant's limits hold over two gateways together, for that tenant alone, and admit again later.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_TENANT_LIMITS, type TenantLimits } from '@qrcast/core/tenant-limits';
import { liveSessionsKey } from '@qrcast/runtime/redis/keys';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, newInstance, openTestGateway, type TestGateway, type TestTenant } from '../../test/gateway.ts';
import { STREAM_TRANSPORTS, type StreamClient } from '../../test/stream-clients.ts';
import { openSocket } from '../../test/websocket.ts';
import { createSessionQuota } from '../sessions/session-quota.ts';
import { createLimitOf } from './tenant-limits.ts';

let here: TestGateway;
let there: TestGateway;
const open: StreamClient[] = [];
beforeAll(async () => {
  here = await openTestGateway();
  there = await openTestGateway({ namespace: here.namespace });
});
afterAll(async () => {
  await there.close();
  await here.close();
});
afterEach(() => open.splice(0).forEach((client) => void client.close()));

async function limited(limits: Partial<TenantLimits>): Promise<TestTenant> {
  const tenant = await here.newTenant();
  await here.gateway.tenants.patch(tenant.id, { limits });
  return tenant;
}

/** This many more calls may have been admitted meanwhile, however slow the machine is. */
const refilled = (perMinute: number, since: number): number => Math.floor(((performance.now() - since) * perMinute) / 60_000);

const either = (i: number): TestGateway => (i % 2 === 0 ? here : there);

function expectRefusal({ status, headers, body }: Answer, code: string, limit: keyof TenantLimits, value: number): void {
  expect([status, body]).toMatchObject([429, { code, limit, retryable: true }]);
  expect(body.detail).toContain(`limit ${limit}: ${value} `);
  expect(headers.get('retry-after')).toBe(String(Math.ceil((body.retryAfterMs ?? Number.NaN) / 1000)));
}

describe('calls', () => {
  it.each(['key', 'ticket'] as const)('by %s are counted over both gateways, and those of another tenant are not', async (kind) => {
    const tenant = await limited({ requestsPerMinute: 6 });
    const startedAt = performance.now();
    const { session, ticket } = await here.create({}, tenant); // the first of the six
    const secret = kind === 'key' ? tenant.apiKey : ticket;
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => either(i).call('GET', `/v1/sessions/${session.id}`, { secret })),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeLessThanOrEqual(7);
    expect(refused.length).toBeGreaterThanOrEqual(7 - refilled(6, startedAt));
    for (const answer of refused) {
      expectRefusal(answer, 'too_many_requests', 'requestsPerMinute', 6);
      expect(answer.body.retryAfterMs).toBeLessThanOrEqual(10_000);
    }
    expect((await there.call('GET', '/v1/sessions')).status).toBe(200);
  });

  it('are admitted again after Retry-After, and not before', async () => {
    const tenant = await limited({ requestsPerMinute: 120 });
    const list = (i: number): Promise<Answer> => either(i).call('GET', '/v1/sessions', { secret: tenant.apiKey });
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 400 }, (_, i) => list(i)));
    let refused = await list(0);
    while (refused.status === 200) refused = await list(0); // alone: nobody takes the token that it is told of
    const { retryAfterMs = 0 } = refused.body;
    expect(retryAfterMs).toBeLessThanOrEqual(500);
    await delay(retryAfterMs + 20);
    const again = await Promise.all(Array.from({ length: 20 }, (_, i) => list(i)));
    const taken = again.filter(({ status }) => status === 200).length;
    expect(taken).toBeGreaterThanOrEqual(1);
    expect(taken).toBeLessThanOrEqual(1 + refilled(120, startedAt));
  });

  it('of the provider have a limit of their own', async () => {
    const tenant = await limited({ webhookCallsPerMinute: 3, requestsPerMinute: 0 });
    const headers = { authorization: `Bearer ${tenant.webhookToken}` };
    const path = `/v1/webhooks/green-api/${tenant.id}`;
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await either(i).call('POST', path, { secret: null, headers, body: {} }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
    for (const answer of answers.slice(3)) expectRefusal(answer, 'too_many_requests', 'webhookCallsPerMinute', 3);
  });

  it('follow a changed limit', async () => {
    const tenant = await limited({ requestsPerMinute: 0 });
    const list = (): Promise<Answer> => there.call('GET', '/v1/sessions', { secret: tenant.apiKey });
    expectRefusal(await list(), 'too_many_requests', 'requestsPerMinute', 0);
    await here.gateway.tenants.patch(tenant.id, { limits: {} });
    expect((await list()).status).toBe(200);
  });
});

describe('subscriptions', () => {
  it('are counted over both gateways, and over Socket.IO and WebSocket', async () => {
    const tenant = await limited({ handshakesPerMinute: 3 });
    const { ticket } = await here.create({}, tenant);
    for (const { url, view } of [here, there]) {
      const viewer = view(ticket);
      await viewer.until('session');
      viewer.socket.disconnect();
      const socket = openSocket(url);
      const answer = await socket.call({ type: 'subscribe', ticket });
      const isFourth = url === there.url;
      expect(answer.type).toBe(isFourth ? 'error' : 'ok');
      if (isFourth) {
        expect(answer).toMatchObject({ error: { code: 'too_many_requests', limit: 'handshakesPerMinute', retryable: true } });
        expect(await socket.closed).toEqual({ code: 4002, reason: 'too_many_requests' });
      }
      socket.raw.terminate();
    }
    expect(await here.view(ticket).refused).toMatchObject({ code: 'too_many_requests', limit: 'handshakesPerMinute' });
  });
});

describe('live sessions', () => {
  const make = (by: TestGateway, tenant: TestTenant, body: object = newInstance()): Promise<Answer> =>
    by.call('POST', '/v1/sessions', { secret: tenant.apiKey, body });

  it('are counted over both gateways, also when all are made at once', async () => {
    const tenant = await limited({ sessions: 3 });
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => make(either(i), tenant)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    for (const answer of answers) if (answer.status !== 201) expectRefusal(answer, 'tenant_limit_reached', 'sessions', 3);
    expect((await make(there, await here.newTenant())).status).toBe(201);
  });

  it('stop counting when another gateway ends them, or a worker does while nobody watches', async () => {
    const tenant = await limited({ sessions: 2 });
    const [one, two] = [await here.create({}, tenant), await there.create({}, tenant)];
    expect((await make(here, tenant)).status).toBe(429);
    await there.call('DELETE', `/v1/sessions/${one.session.id}`, { secret: tenant.apiKey });
    await until(async () => (await make(here, tenant)).status === 201);
    expect((await make(there, tenant)).status).toBe(429);
    await here.call('GET', `/v1/sessions/${two.session.id}`, { secret: tenant.apiKey });
    await here.answer(two.session.id, { kind: 'authorized', account: { wid: null, phone: null } });
    await until(async () => (await make(there, tenant)).status === 201);
  });

  it('stop counting at once, without a search, if a viewer receives the end', async () => {
    const tenant = await limited({ sessions: 1 });
    const { session, ticket } = await here.create({}, tenant);
    const viewer = there.view(ticket);
    await viewer.until('session', ({ state }) => state === 'waiting');
    const live = (): Promise<number> => here.node.redis.zcard(liveSessionsKey(here.namespace, tenant.id));
    expect(await live()).toBe(1);
    await here.answer(session.id, { kind: 'authorized', account: { wid: null, phone: null } });
    await viewer.until('closing');
    await until(async () => (await live()) === 0);
  });

  it('are found again and replaced at the limit, and do not count twice', async () => {
    const tenant = await limited({ sessions: 1 });
    const instance = newInstance();
    const { session } = (await make(here, tenant, instance)).body;
    const again = await make(there, tenant, instance);
    expect([again.status, again.body.session.id]).toEqual([200, session.id]);
    const other = await make(there, tenant, { ...instance, apiToken: 'another-token-0123456789' });
    expect(other.status).toBe(201);
    expectRefusal(await make(here, tenant), 'tenant_limit_reached', 'sessions', 1);
  });

  it('are replaced at the limit, several at once, and never exceed it', async () => {
    const tenant = await limited({ sessions: 3 });
    const instances = [newInstance(), newInstance(), newInstance()];
    for (const instance of instances) expect((await make(here, tenant, instance)).status).toBe(201);
    const changed = instances.map((instance, i) => ({ ...instance, apiToken: `another-token-012345678${i}` }));
    const answers = await Promise.all(changed.map((instance, i) => make(either(i), tenant, instance)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expectRefusal(await make(there, tenant), 'tenant_limit_reached', 'sessions', 3);
  });

  it('continue to count if the session that would replace them is not made', async () => {
    const tenant = await limited({ sessions: 1 });
    const live = createSessionQuota({ ...here.node, namespace: here.namespace, limitOf: createLimitOf(DEFAULT_TENANT_LIMITS) });
    const { session } = await here.create({}, tenant);
    const stored = await here.node.sessions.find(session.id);
    const giveUp = await live.claim({ id: tenant.id, limits: { sessions: 1 } }, 'ses_another', stored);
    expect(await liveIds(tenant)).toEqual(['ses_another']);
    await giveUp();
    expect(await liveIds(tenant)).toEqual([session.id]);
    expect(await here.node.redis.pttl(liveSessionsKey(here.namespace, tenant.id))).toBeGreaterThan(3_000_000);
  });

  it('that were resumed still count, although somebody had read their end before', async () => {
    const tenant = await limited({ sessions: 1 });
    const live = createSessionQuota({ ...here.node, namespace: here.namespace, limitOf: createLimitOf(DEFAULT_TENANT_LIMITS) });
    const { session } = (await make(here, tenant)).body;
    const ended = await here.passDeadline(session.id);
    live.leave(ended);
    await until(async () => (await liveIds(tenant)).length === 0);
    await here.call('POST', `/v1/sessions/${session.id}/resume`, { secret: tenant.apiKey });
    live.leave(ended); // too late
    for (let i = 0; i < 5; i++) await here.node.redis.ping(); // answered after its own commands on the same connection
    expect(await liveIds(tenant)).toEqual([session.id]);
  });

  const liveIds = ({ id }: TestTenant): Promise<string[]> => here.node.redis.zrange(liveSessionsKey(here.namespace, id), '0', '-1');

  it('count again when they are resumed, and are refused at the limit', async () => {
    const tenant = await limited({ sessions: 1 });
    const { session } = (await make(here, tenant)).body;
    await here.passDeadline(session.id);
    const path = `/v1/sessions/${session.id}/resume`;
    await until(async () => (await make(there, tenant)).status === 201);
    expectRefusal(await here.call('POST', path, { secret: tenant.apiKey }), 'tenant_limit_reached', 'sessions', 1);
    await here.gateway.tenants.patch(tenant.id, { limits: { sessions: 2 } });
    await until(async () => (await here.call('POST', path, { secret: tenant.apiKey })).status === 200);
    expect((await make(there, tenant)).status).toBe(429);
  });
});

describe.each(STREAM_TRANSPORTS)('viewers over $name', (transport) => {
  function view(by: TestGateway, ticket: string): StreamClient {
    const client = transport.open({ url: by.url, ticket });
    open.push(client);
    return client;
  }

  it.each([
    ['viewers', { viewers: 2 }],
    ['viewersPerSession', { viewersPerSession: 2 }],
  ] as const)('are counted over both gateways against %s, and make room when they go', async (name, limits) => {
    const tenant = await limited(limits);
    const [{ session, ticket }, another] = [await here.create({}, tenant), await here.create({}, tenant)];
    const clients = [view(here, ticket), view(there, ticket)];
    await Promise.all(clients.map(({ told }) => told.until('session')));
    await held(tenant, 2);

    const watch = async (id: string, { apiKey: secret } = tenant): Promise<Answer> => {
      const { version } = (await there.call('GET', `/v1/sessions/${id}`, { secret })).body.session;
      return there.call('GET', `/v1/sessions/${id}?wait=1`, { secret, headers: { 'if-none-match': `"${version}"` } });
    };
    expectRefusal(await watch(session.id), 'tenant_limit_reached', name, 2);
    expect((await watch(another.session.id)).status === 429).toBe(name === 'viewers');
    expect((await there.call('GET', `/v1/sessions/${session.id}`, { secret: tenant.apiKey })).status).toBe(200); // does not count
    const refused = view(here, ticket);
    await Promise.race([refused.ended, refused.told.until('session')]);
    if (transport.name !== 'long-poll') expect(refused.told.all('session')).toEqual([]);

    clients[0]?.close();
    refused.close();
    await until(async () => (await watch(session.id)).status !== 429);
  });

  /**
   * A stream counts when it has been sent something. A long-poll counts with its next request,
   * which is held.
   */
  const held = async ({ id }: TestTenant, count: number): Promise<void> =>
    until(async () => {
      const counts = await here.node.redis.hgetall(`${here.namespace}:{tenant:${id}}:places`);
      const sum = Object.entries(counts).reduce((all, [field, n]) => (field.includes('|') ? all : all + Number(n)), 0);
      return sum === count;
    });
});

it('a subscription that replaces its own counts once', async () => {
  const tenant = await limited({ viewers: 1 });
  const { ticket } = await here.create({}, tenant);
  const socket = openSocket(here.url);
  for (let i = 0; i < 3; i++) expect(await socket.call({ type: 'subscribe', ticket })).toMatchObject({ type: 'ok' });
  const other = openSocket(there.url);
  expect(await other.call({ type: 'subscribe', ticket })).toMatchObject({ error: { code: 'tenant_limit_reached', limit: 'viewers' } });
  socket.raw.close();
  await until(async () => (await openSocket(there.url).call({ type: 'subscribe', ticket })).type === 'ok');
});

/** Waits for something that another process does. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(20);
}
