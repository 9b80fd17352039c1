import { setTimeout as delay } from 'node:timers/promises';
import { callbackOf } from '@qrcast/core/callback';
import {
  CALLBACK_QUEUE_NAME,
  callbackKey,
  callbacksKey,
  outboxKey,
  queuePrefix,
  sessionCallbacksKey,
  settledCallbacksKey,
  tenantsKey,
} from '@qrcast/runtime/keys';
import { sessionMark } from '@qrcast/runtime/outbox';
import { CUT, HANG, openTestReceiver, type TestReceiver } from '@qrcast/runtime/test-receiver';
import { sampleSession } from '@qrcast/runtime/test-runtime';
import type { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { newCallbackSecret, openTestCallbacks, type TestCallbacks, type TestCallbacksOptions, verified } from './test-callbacks.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function receiver(port?: number): Promise<TestReceiver> {
  const opened = await openTestReceiver(port);
  open.push(opened);
  return opened;
}

async function callbacks(receivers: readonly TestReceiver[], options: Partial<TestCallbacksOptions> = {}): Promise<TestCallbacks> {
  const opened = await openTestCallbacks({ callbackHosts: receivers.map(({ url }) => url), ...options });
  open.push(opened);
  return opened;
}

describe('a callback', () => {
  it('is signed so that the library takes it, and a changed one is not taken', async () => {
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

  it('while a secret is renewed is signed with both', async () => {
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

  it('comes once however many workers look, and each change has an id of its own', async () => {
    const server = await receiver();
    const test = await callbacks([server], { workers: 3 });
    const tenant = await test.tenant({ callback: server.url });
    for (let i = 0; i < 20; i++) await test.end(tenant);
    await test.untilLogged(tenant, 'delivered', 20);
    expect(server.received).toHaveLength(20);
    expect(new Set(server.received.map(({ id }) => id)).size).toBe(20);
  });

  it('is tried again with the same id and a fresh time after a fault of any kind, until it is taken', async () => {
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
    expect(logged?.attempts.map(({ status, error }) => status ?? error)).toEqual([500, 302, 404, 'unreachable', 204]);
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

  it('that is gone is given up at once', async () => {
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

  it('that cannot be signed is tried ever more seldom, and given up when its time is over', async () => {
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
    const job = `${queuePrefix(namespace)}:${CALLBACK_QUEUE_NAME}:${id}`;
    const waits = [];
    for (const faults of [1, 2, 3]) {
      const isPutOff = async (): Promise<boolean> =>
        JSON.parse((await redis.hget(job, 'data')) ?? '{}').faults === faults && Number(await redis.hget(job, 'delay')) > 0;
      while (!(await isPutOff())) await delay(10);
      waits.push(Math.round(Number(await redis.hget(job, 'delay')) / 1_000));
      if (faults === 3) await redis.hset(callbackKey(namespace, tenant.id, id), 'giveUpAt', test.clock.now() - 1);
      await test.outbox.mark({ kind: 'callback', tenantId: tenant.id, id });
    }
    expect(waits).toEqual([5, 10, 20]);
    const [failed] = await test.untilLogged(tenant, 'failed');
    expect(failed?.attempts).toEqual([]);
  });

  it('asked for again during its last try is sent again, whatever comes of that', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: server.url });
    server.answer(() => (server.received.length === 1 ? (response) => void delay(300).then(() => response.writeHead(410).end()) : 204));
    await test.end(tenant);
    await server.until(1);
    const [logged] = await test.untilLogged(tenant, 'pending');
    if (logged === undefined) throw new Error('nothing was logged');
    await test.callbackLog.reopen(logged, test.clock.now() + 1);
    await server.until(2);
    await test.untilLogged(tenant, 'delivered');
  });

  it('whose time ended during a try is not kept for ever', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const { redis, namespace } = test.runtime;
    const tenant = await test.tenant({ callback: server.url });
    await test.end(tenant);
    const [logged] = await test.untilLogged(tenant, 'delivered');
    if (logged === undefined) throw new Error('nothing was logged');
    const key = callbackKey(namespace, tenant.id, logged.callback.id);
    await redis.del(key);
    const outcome = { state: 'failed', nextAttemptAt: 0 } as const;
    expect(await test.callbackLog.record(logged, { at: 1, ms: 1, status: 500 }, outcome)).toBe(false);
    expect(await redis.exists(key)).toBe(0);
  });

  it('asked for again is kept for a week from then on, in the list as well', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const { redis, namespace } = test.runtime;
    const tenant = await test.tenant({ callback: server.url });
    await test.end(tenant);
    const [logged] = await test.untilLogged(tenant, 'delivered');
    if (logged === undefined) throw new Error('nothing was logged');
    const now = Math.round(test.clock.now()) + 1_000;
    await test.callbackLog.reopen(logged, now);
    const { id } = logged.callback;
    expect(Number(await redis.zscore(callbacksKey(namespace, tenant.id), id))).toBe(now);
    await test.outbox.mark({ kind: 'callback', tenantId: tenant.id, id });
    await test.untilLogged(tenant, 'delivered');
    expect(Number(await redis.zscore(settledCallbacksKey(namespace, tenant.id), id))).toBe(now);
  });

  it('is taken whatever the length of what the server says to it', async () => {
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
      more(); // and so on, for ever
    });
    await test.end(tenant);
    await test.untilLogged(tenant, 'delivered');
    expect(written.length).toBeLessThan(1_000);
  });

  it('of a tenant who wants none is dropped, and one who is gone stops nobody', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    await test.end(await test.tenant({}));
    await test.end({ id: 'nobody', secret: '' });
    const tenant = await test.tenant({ callback: server.url });
    await test.end(tenant);
    await server.until(1);
    expect(server.received).toHaveLength(1);
  });

  it('can be asked for again, under the same id', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: server.url });
    await test.end(tenant);
    const [logged] = await test.untilLogged(tenant, 'delivered');
    if (logged === undefined) throw new Error('nothing was logged');
    await test.callbackLog.reopen(logged, test.clock.now());
    await test.outbox.mark({ kind: 'callback', tenantId: tenant.id, id: logged.callback.id });
    const [first, second] = await server.until(2);
    expect(second?.id).toBe(first?.id);
    const [again] = await test.untilLogged(tenant, 'delivered');
    expect(again?.attempts).toHaveLength(2);
  });

  it('asked for again while it waits does not wait any longer', async () => {
    const server = await receiver();
    const test = await callbacks([server], { callbackDelaysMs: [3_600_000] });
    const tenant = await test.tenant({ callback: server.url });
    server.answer(() => (server.received.length === 1 ? 500 : 204));
    await test.end(tenant);
    let logged: Awaited<ReturnType<TestCallbacks['untilLogged']>>[number] | undefined;
    do [logged] = await test.untilLogged(tenant, 'pending');
    while (logged === undefined || logged.failures === 0);
    await test.callbackLog.reopen(logged, test.clock.now());
    await test.outbox.mark({ kind: 'callback', tenantId: tenant.id, id: logged.callback.id });
    await test.untilLogged(tenant, 'delivered');
  });
});

describe('a mark', () => {
  it('looked at before its change is stored is looked at again', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const { redis, namespace } = test.runtime;
    const tenant = await test.tenant({ callback: server.url });
    const session = sampleSession({ tenantId: tenant.id });
    const callback = callbackOf(session, { ...session, version: 2, state: { kind: 'ended', reason: 'cancelled' } }, Date.now());
    const member = `session|${session.id}`;

    await test.outbox.mark(sessionMark(session.id)); // and here its process hangs
    const putOff = async (): Promise<boolean> => Number(await redis.zscore(outboxKey(namespace), member)) > Date.now() + 30_000;
    while (!(await putOff())) expect(await redis.zscore(outboxKey(namespace), member)).not.toBeNull();
    await redis.rpush(sessionCallbacksKey(namespace, session.id), JSON.stringify(callback));
    await redis.zadd(outboxKey(namespace), 1, member); // the time has come
    await server.until(1);
    while ((await redis.zscore(outboxKey(namespace), member)) !== null); // then there is nothing left of it
    expect(await redis.exists(sessionCallbacksKey(namespace, session.id))).toBe(0);
  });
});

describe('a worker that cannot start', () => {
  it('leaves nothing behind that would take marks', async () => {
    const test = await callbacks([], { workers: 0 });
    const { redis, redisUrl, namespace } = test.runtime;
    await redis.acl('SETUSER', 'uninformed', 'on', '>x', '~*', '&*', '+@all', '-info'); // BullMQ asks for the version
    const url = new URL(redisUrl);
    [url.username, url.password] = ['uninformed', 'x'];
    await expect(test.startWorker({ redisUrl: url.href })).rejects.toThrow('NOPERM');
    const member = 'session|ses_1';
    await redis.zadd(outboxKey(namespace), 1, member);
    await delay(600); // three sweeps
    expect(await redis.zscore(outboxKey(namespace), member)).toBe('1');
  });
});

describe('a server that never answers', () => {
  it("delays nobody else's callbacks, and has few requests at once", async () => {
    const dead = await receiver();
    const server = await receiver();
    dead.answer(() => HANG);
    const test = await callbacks([dead, server]);
    const hostile = await test.tenant({ callback: dead.url });
    const tenant = await test.tenant({ callback: server.url });
    await Promise.all(Array.from({ length: 600 }, () => test.end(hostile))); // more than jobs at once
    await dead.until(10);
    for (let i = 0; i < 5; i++) await test.end(tenant);
    await server.until(5); // long before the dead one's time is up
    expect(dead.received).toHaveLength(10);
    expect(dead.underWay.most).toBe(10);
  });
});

describe('relayed notifications', () => {
  const bodies = (count: number): string[] => Array.from({ length: count }, (_, i) => `{"n": ${i}, "big":12345678901234567890}`);
  const nOf = (body: string): number => JSON.parse(body).data.n;

  it('come signed, with the body unchanged', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ relay: server.url });
    const [body = ''] = bodies(1);
    await test.relay({ tenantId: tenant.id, instanceId: '1101' }, body);
    const [came] = await server.until(1);
    if (came === undefined) throw new Error('nothing came');
    expect(verified(tenant, came).type).toBe('provider.notification');
    expect(came.body).toContain(`"data":${body}}`);
  });

  it('of one instance keep their order whatever fails, one under way; those of others go on', async () => {
    const server = await receiver();
    const test = await callbacks([server], { workers: 3 });
    const tenant = await test.tenant({ relay: server.url });
    const failures = [500, CUT, 503, 404];
    server.answer(({ body }) => (nOf(body) % 3 === 1 ? (failures.pop() ?? 200) : 200));
    for (const body of bodies(12)) await test.relay({ tenantId: tenant.id, instanceId: '1101' }, body);
    await server.until(16);
    const order = server.received.map(({ body }) => nOf(body));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order).size).toBe(12);
    expect(server.underWay.most).toBe(1);
    for (const one of server.received) verified(tenant, one);
  });

  it('of an instance whose first is not taken wait; the other instance does not', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ relay: server.url });
    let isDown = true;
    server.answer(({ body }) => (isDown && body.includes('held') ? 500 : 200));
    const held = { tenantId: tenant.id, instanceId: '1' };
    await test.relay(held, '{"held":1}');
    await test.relay(held, '{"held":2}');
    await test.relay({ tenantId: tenant.id, instanceId: '2' }, '{"free":1}');
    await server.until(1, ({ body }) => body.includes('free'));
    await server.until(3, ({ body }) => body.includes('"held":1'));
    expect(server.received.some(({ body }) => body.includes('"held":2'))).toBe(false);
    isDown = false;
    await server.until(1, ({ body }) => body.includes('"held":2'));
  });

  it('are dropped where nobody wants them any more, and kept for nobody', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: server.url });
    const lane = { tenantId: tenant.id, instanceId: '1' };
    await test.relay(lane, '{}');
    while (!(await test.relayLanes.isEmpty(lane)));
    expect(server.received).toEqual([]);
  });

  it('older than a day go, and the next is sent', async () => {
    const server = await receiver();
    const test = await callbacks([server], { workers: 0 });
    const tenant = await test.tenant({ relay: server.url });
    const lane = { tenantId: tenant.id, instanceId: '1' };
    await test.relayLanes.push(lane, '{"old":1}', Date.now() - 86_400_001);
    await test.relay(lane, '{"new":1}');
    await test.startWorker();
    const [came] = await server.until(1);
    expect(came?.body).toContain('"new":1');
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

describe('what a worker leaves behind', () => {
  it('is taken over by another, from the outbox or from the queue', async () => {
    const server = await receiver();
    const test = await callbacks([server], { workers: 0 });
    const tenant = await test.tenant({ callback: server.url });
    await test.end(tenant);
    const stop = await test.startWorker();
    server.answer(() => 500);
    await server.until(1);
    await stop(0);
    server.answer(() => 204);
    await test.startWorker();
    await test.untilLogged(tenant, 'delivered');
    expect(new Set(server.received.map(({ id }) => id)).size).toBe(1);
  });

  it('no secret stands in a log line or anywhere in Redis', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: `${server.url}/path-secret?key=query-secret`, relay: `${server.url}/relay-secret` });
    server.answer(() => (server.received.length < 3 ? 500 : 204));
    await test.end(tenant);
    await test.relay({ tenantId: tenant.id, instanceId: '1' }, '{}');
    await test.untilLogged(tenant, 'delivered');
    await server.until(1, ({ path }) => path === '/relay-secret');
    const { redis, namespace } = test.runtime;
    const keys = [...(await redis.keys(`${namespace}:*`)), ...(await redis.keys(`{${namespace}}:*`))];
    const dump = (await Promise.all(keys.map((key) => readKey(redis, key)))).join('\n');
    const text = test.logged.join('\n');
    expect(text).toContain(tenant.id); // the twin: there is something to be found
    expect(dump).toContain('session.ended');
    expect(dump + text).not.toContain(tenant.secret.slice(6));
    for (const secret of ['path-secret', 'query-secret', 'relay-secret']) expect(text).not.toContain(secret);
  });
});

async function readKey(redis: Redis, key: string): Promise<string> {
  const commands = { string: 'get', hash: 'hgetall', list: 'lrange', set: 'smembers', zset: 'zrange', stream: 'xrange' } as const;
  const command = commands[(await redis.type(key)) as keyof typeof commands];
  const range = command === 'xrange' ? ['-', '+'] : command === 'lrange' || command === 'zrange' ? ['0', '-1'] : [];
  return JSON.stringify(await redis.call(command, key, ...range));
}
