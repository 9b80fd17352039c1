/** What a tenant's server receives, how often, and whether its answers can affect others. */

import { setTimeout as delay } from 'node:timers/promises';
import { callbackKey, tenantsKey } from '@qrcast/runtime/redis/keys';
import { CUT, HANG, openTestReceiver } from '@qrcast/runtime/test/receiver';
import { partOfTenant, scoreOfMark } from '@qrcast/runtime/test/work-part';
import { describe, expect, it } from 'vitest';
import { newCallbackSecret, prepareCallbacks, type TestCallbacks, verified } from '../../test/callbacks.ts';

const { receiver, callbacks } = prepareCallbacks();

describe('a callback', () => {
  it('is signed so that the library accepts it, and a changed one is refused', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: `${server.url}/hook?of=acme` });
    const session = await test.end(tenant);

    const [came] = await server.until(1);
    if (came === undefined) throw new Error('nothing came');
    const payload = verified(tenant, came);
    expect([payload.type, payload.data.session.id, came.path]).toEqual(['session.ended', session.id, '/hook?of=acme']);
    expect(came.headers['content-type']).toBe('application/json');
    expect(() => verified(tenant, { ...came, body: came.body.replace('ended', 'e') })).toThrow();
    expect(() => verified({ secret: newCallbackSecret() }, came)).toThrow();
    const [logged] = await test.untilLogged(tenant, 'delivered');
    expect(logged?.callback.id).toBe(came.id);
    expect(logged?.attempts).toMatchObject([{ status: 204 }]);
    expect(logged?.attempts[0]).not.toHaveProperty('error');
  });

  it('is signed with both secrets while one is being replaced', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const previousSecret = newCallbackSecret();
    const tenant = await test.tenant({ callback: server.url, previousSecret });
    await test.end(tenant);
    const [came] = await server.until(1);
    if (came === undefined) throw new Error('nothing came');
    verified(tenant, came);
    verified({ secret: previousSecret }, came);
  });

  it('comes once, however many workers there are, and each change has its own id', async () => {
    const server = await receiver();
    const test = await callbacks([server], { workers: 3 });
    const tenant = await test.tenant({ callback: server.url });
    for (let i = 0; i < 20; i++) await test.end(tenant);
    await test.untilLogged(tenant, 'delivered', 20);
    expect(server.received).toHaveLength(20);
    expect(new Set(server.received.map(({ id }) => id)).size).toBe(20);
  });

  it('is retried with the same id and a new time after any fault, until it is accepted', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: server.url });
    const answers = [500, 302, 404, CUT, 204] as const;
    server.answer(() => answers[Math.min(server.received.length, answers.length) - 1] ?? 204);
    await test.end(tenant);
    const came = await server.until(5);
    const [logged] = await test.untilLogged(tenant, 'delivered');
    expect(new Set(came.map(({ id }) => id)).size).toBe(1);
    for (const one of came) verified(tenant, one);
    const outcomes = [{ status: 500 }, { status: 302 }, { status: 404 }, { error: 'unreachable', cause: 'reset' }, { status: 204 }];
    expect(logged?.attempts.map(({ at: _at, ms: _ms, ...outcome }) => outcome)).toEqual(outcomes);
  });

  it('is delivered when a server that was down is up again', async () => {
    const down = await openTestReceiver();
    await down.close();
    const test = await callbacks([down]);
    const tenant = await test.tenant({ callback: down.url });
    await test.end(tenant);
    for (let failures = 0; failures < 2; ) failures = (await test.untilLogged(tenant, 'pending'))[0]?.failures ?? 0;
    const up = await receiver(down.port);
    await up.until(1);
    await test.untilLogged(tenant, 'delivered');
  });

  it('follows no redirect', async () => {
    const elsewhere = await receiver();
    const server = await receiver();
    const test = await callbacks([server, elsewhere]);
    const tenant = await test.tenant({ callback: server.url });
    server.answer(() => (server.received.length < 3 ? { status: 307, headers: { location: elsewhere.url } } : 204));
    await test.end(tenant);
    await test.untilLogged(tenant, 'delivered');
    expect(elsewhere.received).toEqual([]);
  });

  it('answered 410 is given up at once', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: server.url });
    server.answer(() => 410);
    await test.end(tenant);
    const [logged] = await test.untilLogged(tenant, 'failed');
    expect(logged?.attempts).toHaveLength(1);
  });

  it('waits as long as the server asks for', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: server.url });
    server.answer(() => (server.received.length === 1 ? { status: 503, headers: { 'retry-after': '1' } } : 204));
    await test.end(tenant);
    const [first, second] = await server.until(2);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it('is given up after a day', async () => {
    const server = await receiver();
    const test = await callbacks([server], { callbackDelaysMs: [86_400_001] });
    const tenant = await test.tenant({ callback: server.url });
    server.answer(() => 500);
    await test.end(tenant);
    await test.untilLogged(tenant, 'failed');
    expect(server.received).toHaveLength(1);
  });

  it('that cannot be signed is retried less and less often, and given up when its time is over', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const { redis, namespace } = test.runtime;
    const tenant = await test.tenant({ callback: server.url });
    const record = JSON.parse((await redis.hget(tenantsKey(namespace), tenant.id)) ?? '');
    await redis.hset(tenantsKey(namespace), tenant.id, JSON.stringify({ ...record, sealedCallbackSecret: 'by a key that is gone' }));
    await test.end(tenant);
    const [logged] = await test.untilLogged(tenant, 'pending');
    if (logged === undefined) throw new Error('nothing was logged');
    const { id } = logged.callback;
    const { callbackFaultsKey } = partOfTenant(test.runtime, tenant.id);
    const waitMs = async (): Promise<number> =>
      Number(await scoreOfMark(test.runtime, `due|deliver|${tenant.id}|${id}`)) - test.clock.now();
    const waits = [];
    for (const faults of [1, 2, 3]) {
      while (Number(await redis.hget(callbackFaultsKey, id)) !== faults || (await waitMs()) < 0) await delay(10);
      waits.push(Math.ceil((await waitMs()) / 5_000) * 5);
      if (faults === 3) await redis.hset(callbackKey(namespace, tenant.id, id), 'giveUpAt', test.clock.now() - 1);
      await test.outbox.mark({ kind: 'callback', tenantId: tenant.id, id });
    }
    expect(waits).toEqual([5, 10, 20]);
    const [failed] = await test.untilLogged(tenant, 'failed');
    expect(failed?.attempts).toEqual([]);
    while ((await redis.exists(callbackFaultsKey)) === 1) await delay(10); // nothing is left of the faults
  });

  it('is delivered whatever the length of the answer', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: server.url });
    const written: number[] = [];
    server.answer(() => (response) => {
      response.writeHead(200);
      const more = (): void => {
        if (response.destroyed) return;
        written.push(65_536);
        response.write(Buffer.alloc(65_536), () => setImmediate(more));
      };
      more(); // and so on without end
    });
    await test.end(tenant);
    await test.untilLogged(tenant, 'delivered');
    expect(written.length).toBeLessThan(1_000);
  });

  it('of a tenant without a callback URL is dropped, and a deleted tenant blocks no others', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    await test.end(await test.tenant({}));
    await test.end({ id: 'nobody', secret: '' });
    const tenant = await test.tenant({ callback: server.url });
    await test.end(tenant);
    await server.until(1);
    expect(server.received).toHaveLength(1);
  });
});

describe('a server that never answers', () => {
  it("delays no other tenant's callbacks, and gets few requests at once", async () => {
    const dead = await receiver();
    const server = await receiver();
    dead.answer(() => HANG);
    const test = await callbacks([dead, server]);
    const hostile = await test.tenant({ callback: dead.url });
    const tenant = await test.tenant({ callback: server.url });
    await Promise.all(Array.from({ length: 600 }, () => test.end(hostile))); // more than can run at once
    await dead.until(10);
    for (let i = 0; i < 5; i++) await test.end(tenant);
    await server.until(5);
    expect(dead.underWay.most).toBe(10);
  });
});

describe('addresses', () => {
  it.each(['http://127.0.0.1:{port}/', 'https://127.0.0.1:{port}/', 'https://localhost:{port}/', 'http://hooks.example.com/'])(
    '%s is not called unless the operator named it',
    async (template) => {
      const server = await receiver();
      const test = await callbacks([], { callbackHosts: ['*'] });
      const tenant = await test.tenant({ callback: template.replace('{port}', String(server.port)) });
      await test.end(tenant);
      let logged: Awaited<ReturnType<TestCallbacks['untilLogged']>>[number] | undefined;
      do [logged] = await test.untilLogged(tenant, 'pending');
      while (logged === undefined || logged.attempts.length === 0);
      expect(logged.attempts[0]).toMatchObject({ error: 'address_not_allowed' });
      expect(server.received).toEqual([]);
    },
  );
});
