/**
 * If a tenant is suspended or deleted on one gateway, its calls and streams end on all gateways.
 */

import { tenantsChannel, tenantsKey } from '@qrcast/runtime/redis/keys';
import { publish } from '@qrcast/runtime/redis/publish';
import { isOneServer } from '@qrcast/runtime/test/one-server';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { ADMIN_KEY, type Answer, newInstance, openTestGateway, type TestGateway, type TestTenant } from '../../test/gateway.ts';
import { STREAM_TRANSPORTS, type StreamClient } from '../../test/stream-clients.ts';

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

const suspend = (tenant: TestTenant, suspended: boolean): Promise<Answer> =>
  here.call('PATCH', `/v1/admin/tenants/${tenant.id}`, { secret: ADMIN_KEY, body: { suspended } });
const remove = (tenant: TestTenant): Promise<Answer> => here.call('DELETE', `/v1/admin/tenants/${tenant.id}`, { secret: ADMIN_KEY });

it('streams of an API key end on both gateways when the key is removed, and those of the other key stay open', async () => {
  const tenant = await here.newTenant();
  const { session } = await here.create({}, tenant);
  const admin = { secret: ADMIN_KEY };
  const added = (await here.call('POST', `/v1/admin/tenants/${tenant.id}/keys`, admin)).body as unknown as {
    keyId: string;
    apiKey: string;
  };
  const events = (secret: string): Promise<Response> =>
    fetch(`${there.url}/v1/sessions/${session.id}/events`, { headers: { authorization: `Bearer ${secret}` } });
  const [removed, kept] = [await events(added.apiKey), await events(tenant.apiKey)];
  const read = () => there.call('GET', `/v1/sessions/${session.id}`, { secret: tenant.apiKey });
  let { body: now } = await read();
  while (now.session.state !== 'waiting') now = (await read()).body; // it is watched
  const headers = { 'if-none-match': `"${now.session.version}"` };
  const held = there.call('GET', `/v1/sessions/${session.id}?wait=30`, { secret: added.apiKey, headers });
  expect((await here.call('DELETE', `/v1/admin/tenants/${tenant.id}/keys/${added.keyId}`, admin)).status).toBe(204);
  expect(await removed.text()).toContain('"code":"unauthenticated"');
  expect((await held).status).toBe(401);
  await here.call('DELETE', `/v1/sessions/${session.id}`, { secret: tenant.apiKey });
  expect(await kept.text()).toContain('"state":"ended"');
});

describe.each(STREAM_TRANSPORTS)('over $name', (transport) => {
  /** A session that is watched through both gateways. */
  async function watched(tenant: TestTenant) {
    const made = await here.create({}, tenant);
    const clients = [here, there].map(({ url }) => transport.open({ url, ticket: made.ticket }));
    open.push(...clients);
    await Promise.all(clients.map(({ told }) => told.until('session', ({ state }) => state === 'waiting')));
    return { ...made, clients };
  }

  it('a suspended tenant loses its streams on both gateways, gets them back, and another tenant loses none', async () => {
    const [tenant, other] = [await here.newTenant(), await here.newTenant()];
    const { session, ticket, clients } = await watched(tenant);
    const others = await watched(other);
    expect((await suspend(tenant, true)).status).toBe(200);
    const endings = await Promise.all(clients.map(({ ended }) => ended));
    for (const ending of endings) {
      expect(ending).toMatchObject(transport.hasClosing ? { code: 'forbidden', number: 4503 } : { code: 'forbidden', status: 403 });
    }
    const refused = transport.open({ url: there.url, ticket });
    open.push(refused);
    await refused.ended;
    expect(refused.told.all('session')).toEqual([]);

    await here.showCode(others.session.id, 'AAAA');
    await Promise.all(others.clients.map(({ told }) => told.until('session', ({ state }) => state === 'showing')));

    expect((await suspend(tenant, false)).status).toBe(200);
    await here.showCode(session.id, 'BBBB');
    const again = transport.open({ url: there.url, ticket });
    open.push(again);
    expect((await again.told.until('session')).id).toBe(session.id);
  });

  it("a deleted tenant's streams receive the end on both gateways, and are closed", async () => {
    const tenant = await here.newTenant();
    const { clients } = await watched(tenant);
    expect((await remove(tenant)).status).toBe(204);
    const endings = await Promise.all(clients.map(({ ended }) => ended));
    for (const { told } of clients) expect(told.all('session').at(-1)).toMatchObject({ end: { reason: 'cancelled' } });
    for (const ending of endings) expect(ending).toMatchObject({ code: 'done' });
  });

  it("a deleted tenant's stream is closed even if its session did not end", async () => {
    const tenant = await here.newTenant();
    const { clients } = await watched(tenant);
    await here.gateway.tenants.disable(tenant.id); // like a deletion that fails half way
    for (const { ended } of clients) {
      expect(await ended).toMatchObject(transport.hasClosing ? { code: 'unauthenticated', number: 4501 } : { status: 401 });
    }
  });
});

it.runIf(isOneServer())('a gateway that could not reach Redis at the suspension ends the streams when it can', async () => {
  const redisUrl = new URL(inject('redisUrl'));
  const proxy = await openTestProxy(Number(redisUrl.port));
  redisUrl.port = String(proxy.port);
  const test = await openTestGateway({ namespace: here.namespace, redisUrl: redisUrl.href });
  try {
    const tenant = await here.newTenant();
    const viewer = test.view((await here.create({}, tenant)).ticket);
    await viewer.until('session', ({ state }) => state === 'waiting');
    proxy.refuse(true);
    proxy.cut();
    await suspend(tenant, true);
    expect(viewer.all('closing')).toEqual([]);
    proxy.refuse(false);
    expect(await viewer.until('closing')).toMatchObject({ code: 'forbidden' });
  } finally {
    await test.close();
    await proxy.close();
  }
});

describe('a tenant that Redis has lost and that is created again', () => {
  /** Takes the record away, as a loss does. Resolves to what brings it back. */
  async function lose(tenant: TestTenant): Promise<() => Promise<unknown>> {
    const { redis } = here.node;
    const key = tenantsKey(here.namespace);
    const record = (await redis.hget(key, tenant.id)) ?? expect.unreachable('it was created');
    await redis.hdel(key, tenant.id);
    return () => redis.hset(key, tenant.id, record);
  }

  it('is admitted at once on the gateway that has just refused it', async () => {
    const tenant = await here.newTenant();
    const { session, ticket } = await here.create({}, tenant);
    for (const { call } of [here, there, here, there]) {
      const read = async () => (await call('GET', `/v1/sessions/${session.id}`, { secret: ticket })).status;
      const restore = await lose(tenant);
      await expect.poll(read).toBe(401); // it may have been looked up a second ago
      await restore();
      expect(await read()).toBe(200);
    }
  });

  it('keeps its viewers, who would be closed a second after the loss', async () => {
    const [tenant, deleted] = [await here.newTenant(), await here.newTenant()];
    const [viewer, last] = await Promise.all([tenant, deleted].map(async (one) => here.view((await here.create({}, one)).ticket)));
    await Promise.all([viewer, last].map((one) => one?.until('session', ({ state }) => state === 'waiting')));
    const restore = await lose(tenant);
    const asked = vi.spyOn(here.gateway.tenants, 'find');
    await publish(here.node.redis, tenantsChannel(here.namespace), tenant.id);
    await expect.poll(() => asked.mock.calls.flat()).toContain(tenant.id);
    await Promise.all(asked.mock.results.map(({ value }) => value));
    await restore();
    await here.gateway.tenants.disable(deleted.id);
    expect(await last?.until('closing')).toMatchObject({ code: 'unauthenticated' }); // begun later, so the second of the other is over
    expect(viewer?.all('closing')).toEqual([]);
    asked.mockRestore();
  });
});

describe('while suspended', () => {
  it('a tenant is refused by key and by ticket on both gateways, with an explanation', async () => {
    const tenant = await here.newTenant();
    const { session, ticket } = await here.create({}, tenant);
    await suspend(tenant, true);
    for (const { call } of [here, there]) {
      for (const secret of [tenant.apiKey, ticket]) {
        const { status, body } = await call('GET', `/v1/sessions/${session.id}`, { secret });
        expect([status, body.code]).toEqual([403, 'forbidden']);
        expect(body.detail).toContain('suspended');
      }
    }
    const shown = await here.call('GET', `/v1/admin/tenants/${tenant.id}`, { secret: ADMIN_KEY });
    expect(shown.text).toContain('"suspended":true');
    await suspend(tenant, false);
    for (const { call } of [here, there]) {
      for (const secret of [tenant.apiKey, ticket]) expect((await call('GET', `/v1/sessions/${session.id}`, { secret })).status).toBe(200);
    }
  });

  it('its notifications are accepted and change nothing, unlike those of another tenant', async () => {
    const [tenant, other] = [await here.newTenant(), await here.newTenant()];
    const states = [];
    await suspend(tenant, true);
    for (const { id, apiKey, webhookToken } of [tenant, other]) {
      if (id === tenant.id) await suspend(tenant, false);
      const { instanceId } = newInstance();
      const { session } = await here.create({ instanceId, apiToken: 'token-of-this-test' }, { id, apiKey, webhookToken });
      await here.call('GET', `/v1/sessions/${session.id}`, { secret: apiKey });
      if (id === tenant.id) await suspend(tenant, true);
      const body = {
        typeWebhook: 'stateInstanceChanged',
        instanceData: { idInstance: Number(instanceId), wid: '79990000000@c.us', typeInstance: 'v3' },
        timestamp: Math.floor(here.node.clock.now() / 1000) + 2,
        stateInstance: 'authorized',
      };
      const headers = { authorization: `Bearer ${webhookToken}` };
      expect((await there.call('POST', `/v1/webhooks/green-api/${id}`, { secret: null, headers, body })).status).toBe(200);
      states.push((await here.node.sessions.find(session.id))?.state.kind);
    }
    expect(states).toEqual(['waiting', 'connected']);
  });

  it('its sessions are no longer polled after the grace period, unlike those of another tenant', async () => {
    const test = await openTestGateway({ unwatchedGraceMs: 1_000 });
    const other = await test.newTenant();
    const [session, control] = [await test.create(), await test.create({}, other)];
    const viewers = [session, control].map(({ ticket }) => test.view(ticket));
    await Promise.all(viewers.map((viewer) => viewer.until('session', ({ state }) => state === 'waiting')));
    await test.call('PATCH', `/v1/admin/tenants/${test.tenant.id}`, { secret: ADMIN_KEY, body: { suspended: true } });
    await viewers[0]?.until('closing');

    const unwatched: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const consumer = await test.node.queue.consume(
      {
        poll: async () => ({ nextAt: test.node.clock.now() + 1_100 }),
        unwatched: async ({ sessionId }) => {
          unwatched.push(sessionId);
          resolve();
        },
      },
      { concurrency: 10 },
    );
    try {
      await promise;
      expect(unwatched).toEqual([session.session.id]);
      expect(await test.isQueued(control.session.id)).toBe(true);
    } finally {
      await consumer.close(0);
      await test.close();
    }
  });
});

describe('a session that is made', () => {
  it('while its tenant is deleted does not outlive it', async () => {
    for (let round = 0; round < 10; round++) {
      const tenant = await here.newTenant();
      const bodies = Array.from({ length: 8 }, newInstance);
      const making = bodies.map((body, i) => [here, there][i % 2]?.call('POST', '/v1/sessions', { secret: tenant.apiKey, body }));
      await making[round % 4];
      const removed = remove(tenant);
      for (const one of [...(await Promise.all(making)), await removed]) expect([200, 201, 204, 401]).toContain(one?.status);
      for (const { instanceId } of bodies) {
        const sessionId = await here.node.redis.get(`${here.namespace}:{tenant:${tenant.id}}:instance:${instanceId}`);
        const session = sessionId === null ? null : await here.node.sessions.find(sessionId);
        expect(session?.state.kind ?? 'ended').toBe('ended');
      }
    }
  });
});
