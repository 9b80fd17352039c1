import { isOneServer } from '@qrcast/runtime/test/one-server';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import { io } from 'socket.io-client';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { imageOf, NOT_HELD_UP_MS, openTestGateway, type TestGateway, type TestGatewayOptions } from '../test/gateway.ts';
import type { Viewer } from '../test/viewer.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function openGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const test = await openTestGateway(options);
  open.push(test);
  return test;
}

const readiness = async (test: TestGateway): Promise<number> => (await test.call('GET', '/readyz', { secret: null })).status;

async function openBehindProxy(): Promise<{ test: TestGateway; proxy: Awaited<ReturnType<typeof openTestProxy>> }> {
  const redisUrl = new URL(inject('redisUrl'));
  const proxy = await openTestProxy(Number(redisUrl.port));
  open.push(proxy);
  redisUrl.port = String(proxy.port);
  return { test: await openGateway({ redisUrl: redisUrl.href }), proxy };
}

/** A stock Socket.IO client behind a balancer, which has its first state. */
async function connectStock(test: TestGateway, transport: 'websocket' | 'polling') {
  const balancer = await openTestProxy(Number(new URL(test.url).port));
  open.push(balancer);
  const { ticket } = await test.create();
  const socket = io(`http://127.0.0.1:${balancer.port}`, { auth: { ticket }, transports: [transport], forceNew: true });
  open.push({ close: async () => void socket.disconnect() });
  const connected = (): Promise<void> => new Promise((resolve) => socket.once('session', () => resolve()));
  await connected();
  return { socket, balancer, connected, ticket };
}

function expectRising(viewer: Viewer): void {
  const versions = viewer.all('session').map(({ version }) => version);
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
}

describe('two gateways', () => {
  it('work as one: a change through either reaches the viewers of both, in rising versions, including the last', async () => {
    const one = await openGateway();
    const two = await openGateway({ namespace: one.namespace });
    const { session, ticket } = await one.create();
    const viewers = [one.view(ticket), one.view(ticket), two.view(ticket), two.view(ticket)];
    await Promise.all(viewers.map((viewer) => viewer.until('session', ({ state }) => state === 'waiting')));
    for (let i = 0; i < 10; i++) await one.showCode(session.id, `N${i}`);
    await Promise.all(viewers.map((viewer) => viewer.until('session', ({ code }) => code?.image === imageOf('N9'))));
    const notification = {
      typeWebhook: 'stateInstanceChanged',
      instanceData: { idInstance: Number(session.instanceId) },
      timestamp: Math.floor(Date.now() / 1000) + 2,
      stateInstance: 'pendingPassword',
    };
    const headers = { authorization: one.tenant.webhookToken };
    // Repeated, because the clocks of two processes differ by a millisecond, and an answer older
    // than the last one is ignored.
    while ((await one.node.sessions.find(session.id))?.state.kind !== 'password') {
      await one.call('POST', `/v1/webhooks/green-api/${one.tenant.id}`, { secret: null, headers, body: notification });
    }
    await Promise.all(viewers.map((viewer) => viewer.until('session', ({ state }) => state === 'password')));
    const cancelled = await two.call('DELETE', `/v1/sessions/${session.id}`, { secret: one.tenant.apiKey });
    expect(cancelled.status).toBe(204);
    for (const viewer of viewers) {
      await viewer.until('session', ({ state }) => state === 'ended');
      expect((await viewer.until('closing')).code).toBe('done');
      expectRising(viewer);
    }
  });

  it('tell with each state how many viewers there are at both, as they come and go', async () => {
    const one = await openGateway();
    const two = await openGateway({ namespace: one.namespace });
    const { session, ticket } = await one.create();
    const viewer = one.view(ticket);
    await viewer.until('session', ({ state }) => state === 'waiting');
    const others = [two.view(ticket), two.view(ticket)];
    await Promise.all(others.map((other) => other.until('session')));
    const counted = async (count: number): Promise<void> => {
      while ((await one.call('GET', `/v1/sessions/${session.id}`)).body.session.viewers !== count);
    };
    await counted(3);
    await one.showCode(session.id, 'BOTH'); // this gateway has reported nothing since the others came
    expect((await viewer.until('session', ({ code }) => code?.image === imageOf('BOTH'))).viewers).toBe(3);
    others[0]?.socket.disconnect();
    await counted(2);
    await one.showCode(session.id, 'LESS');
    expect((await viewer.until('session', ({ code }) => code?.image === imageOf('LESS'))).viewers).toBe(2);
  });

  it('share a held request: a change through one answers a request that the other holds with ?wait', async () => {
    const one = await openGateway();
    const two = await openGateway({ namespace: one.namespace });
    const { session, ticket } = await one.create();
    const { headers } = await one.call('GET', `/v1/sessions/${session.id}`, { secret: ticket });
    const held = two.call('GET', `/v1/sessions/${session.id}?wait=30`, {
      secret: ticket,
      headers: { 'if-none-match': headers.get('etag') ?? '' },
    });
    await one.call('DELETE', `/v1/sessions/${session.id}`);
    expect((await held).body.session.state).toBe('ended');
  });
});

describe('draining', () => {
  it('makes the gateway not ready, informs every viewer, and closes all connections', async () => {
    const test = await openGateway();
    const { ticket } = await test.create();
    const viewers = Array.from({ length: 5 }, () => test.view(ticket));
    await Promise.all(viewers.map((viewer) => viewer.until('session')));
    expect(await readiness(test)).toBe(200);
    const closed = test.gateway.close(2_000);
    expect(await readiness(test)).toBe(503);
    for (const viewer of viewers) {
      const closing = await viewer.until('closing');
      expect(closing).toMatchObject({ code: 'draining', number: 1012, retryable: true });
      expect((await viewer.until('draining')).retryAfterMs).toBe(closing.retryAfterMs);
      expect(closing.retryAfterMs).toBeLessThanOrEqual(1_000);
      await viewer.disconnected;
    }
    await closed;
    expect(test.gateway.close(0)).toBe(closed);
    await expect(test.call('GET', '/healthz', { secret: null })).rejects.toThrow('fetch failed');
  });

  it('loses no viewer: one that reconnects elsewhere gets the newest state', async () => {
    const one = await openGateway();
    const two = await openGateway({ namespace: one.namespace });
    const { session, ticket } = await one.create();
    const viewer = one.view(ticket);
    await viewer.until('session', ({ state }) => state === 'waiting');
    const closed = one.gateway.close(0);
    await viewer.until('closing');
    await two.showCode(session.id, 'AAAA');
    const back = two.view(ticket, { auth: { after: viewer.all('session').at(-1)?.version } });
    expect((await back.until('session')).code?.image).toBe(imageOf('AAAA'));
    await closed;
  });

  it.each(['websocket', 'polling'] as const)('a stock Socket.IO client comes back by itself, over %s', async (transport) => {
    const one = await openGateway();
    const two = await openGateway({ namespace: one.namespace });
    const { socket, balancer, connected } = await connectStock(one, transport);
    const lost = new Promise((resolve) => socket.once('disconnect', resolve));
    const back = connected();
    balancer.repoint(Number(new URL(two.url).port));
    void one.gateway.close(0);
    expect(await lost).not.toBe('io server disconnect'); // after that it would stay away
    await back;
  });

  it.each(['websocket', 'polling'] as const)(
    'a stock Socket.IO client comes back to the gateway that follows, over %s',
    async (transport) => {
      const one = await openGateway();
      const { socket, balancer, connected, ticket } = await connectStock(one, transport); // its balancer does not know yet that the gateway stops
      const others = Array.from({ length: 2 }, () => one.view(ticket)); // the last leaves late in the drain
      await Promise.all(others.map((viewer) => viewer.until('session')));
      const refused = new Promise((resolve) => socket.once('connect_error', resolve).io.once('reconnect_error', resolve));
      const back = connected();
      void one.gateway.close(6_000);
      await refused;
      const two = await openGateway({ namespace: one.namespace });
      balancer.repoint(Number(new URL(two.url).port));
      await back;
    },
  );

  it('refuses new calls and viewers as retryable, and still accepts notifications', async () => {
    const test = await openGateway();
    const { ticket } = await test.create();
    // The first viewer leaves at once, the last after two thirds of the drain, which is time for
    // what follows.
    const viewers = Array.from({ length: 3 }, () => test.view(ticket));
    await Promise.all(viewers.map((viewer) => viewer.until('session')));
    expect((await test.call('GET', '/v1/sessions')).headers.get('connection')).toBe('keep-alive');
    const closed = test.gateway.close(6_000);
    const refused = await test.call('GET', '/v1/sessions');
    expect(refused.status).toBe(503);
    expect(refused.body).toMatchObject({ code: 'unavailable', retryable: true });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('connection')).toBe('close'); // so that the next one goes elsewhere
    const handshake = await fetch(`${test.url}/socket.io/?EIO=4&transport=polling`);
    expect([handshake.status, handshake.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await handshake.json()).toMatchObject({ code: 'unavailable', retryable: true });
    const told = await test.call('POST', `/v1/webhooks/green-api/${test.tenant.id}`, {
      secret: test.tenant.webhookToken,
      body: { typeWebhook: 'other' },
    });
    expect(told.status).toBe(200);
    await closed;
  });

  it('answers a held request, and is not held up by a client that does not read', async () => {
    const test = await openGateway();
    const { session, ticket } = await test.create();
    const viewer = test.view(ticket);
    await viewer.until('session');
    viewer.raw().pause();
    const { headers } = await test.call('GET', `/v1/sessions/${session.id}`);
    const tag = { 'if-none-match': headers.get('etag') ?? '' };
    const held = test.call('GET', `/v1/sessions/${session.id}?wait=30`, { headers: tag });
    while ((await test.call('GET', `/v1/sessions/${session.id}`)).body.session.viewers < 2);
    const startedAt = performance.now();
    await test.gateway.close(0);
    expect(performance.now() - startedAt).toBeLessThan(NOT_HELD_UP_MS);
    // Answered and not cut: the caller asks another gateway next.
    expect((await held).status).toBe(304);
    viewer.raw().resume();
    await viewer.disconnected;
  });
});

describe.runIf(isOneServer())('without Redis', () => {
  it('is not ready and answers unavailable; sockets stay open, and everything continues when Redis is back', async () => {
    const { test, proxy } = await openBehindProxy();
    const { session, ticket } = await test.create();
    const viewer = test.view(ticket);
    await viewer.until('session', ({ state }) => state === 'waiting');

    proxy.refuse(true);
    proxy.cut();
    // At once, because each is answered after two tries to reconnect, which take longer and longer.
    const [ready, refused, handshake, ack, health] = await Promise.all([
      readiness(test),
      test.call('GET', `/v1/sessions/${session.id}`),
      test.view(ticket).refused,
      viewer.call('subscribe', { ticket }),
      test.call('GET', '/healthz', { secret: null }),
    ]);
    expect([ready, health.status]).toEqual([503, 200]);
    expect([refused.status, refused.body.code, refused.body.retryable]).toEqual([503, 'unavailable', true]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(handshake).toMatchObject({ code: 'unavailable', retryable: true });
    expect(ack).toMatchObject({ ok: false, error: { code: 'unavailable', retryable: true } });
    await test.showCode(session.id, 'MISSED'); // by the worker, which reaches Redis

    proxy.refuse(false);
    await viewer.until('session', ({ code }) => code?.image === imageOf('MISSED'));
    expect(viewer.socket.connected).toBe(true);
    while ((await readiness(test)) !== 200);
    await test.showCode(session.id, 'AAAA');
    await viewer.until('session', ({ code }) => code?.image === imageOf('AAAA'));
    expectRising(viewer);
  });

  it('is not ready while Redis is frozen', async () => {
    const { test, proxy } = await openBehindProxy();
    expect(await readiness(test)).toBe(200);
    proxy.freeze();
    const order: string[] = [];
    const call = test.call('GET', '/v1/sessions').finally(() => order.push('a call'));
    expect(await readiness(test).finally(() => order.push('readiness'))).toBe(503);
    expect((await call).status).toBe(503);
    // The call waits for Redis as long as a command may take.
    expect(order).toEqual(['readiness', 'a call']);
    proxy.cut();
    while ((await readiness(test)) !== 200);
  });

  it('learns afterwards of a ticket that was revoked in the meantime', async () => {
    const { test, proxy } = await openBehindProxy();
    const { ticketId, ticket } = await test.create();
    const viewer = test.view(ticket);
    await viewer.until('session', ({ state }) => state === 'waiting');
    proxy.refuse(true);
    proxy.cut();
    await test.tickets.revoke(test.tenant.id, ticketId); // stored, but nobody receives the message
    proxy.refuse(false);
    expect((await viewer.until('closing')).code).toBe('ticket_revoked');
  });
});
