/** Callbacks that were sent or given up, and that a tenant wants sent again. */

import { callbackKey, callbacksKey, settledCallbacksKey } from '@qrcast/runtime/redis/keys';
import { outboxOf, scoreOfMark } from '@qrcast/runtime/test/work-part';
import { describe, expect, it } from 'vitest';
import { prepareCallbacks, type TestCallbacks } from '../../test/callbacks.ts';

const { receiver, callbacks } = prepareCallbacks();

describe('a callback', () => {
  it('replayed during its last try is sent again, whatever the result of that try', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: server.url });
    const reopened = Promise.withResolvers<void>();
    server.answer(() =>
      server.received.length === 1 ? (response) => void reopened.promise.then(() => response.writeHead(410).end()) : 204,
    );
    await test.end(tenant);
    await server.until(1);
    const [logged] = await test.untilLogged(tenant, 'pending');
    if (logged === undefined) throw new Error('nothing was logged');
    await test.callbackLog.reopen(logged, test.clock.now() + 1);
    reopened.resolve();
    await server.until(2);
    await test.untilLogged(tenant, 'delivered');
  });

  it('whose time ended during a try still expires', async () => {
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

  it('that is replayed is kept for a week from then on, also in the list', async () => {
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

  it('can be replayed with the same id', async () => {
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

  it('is not tried early when its worker died after the try was logged and before it was put off', async () => {
    const server = await receiver();
    const test = await callbacks([server], { callbackDelaysMs: [3_600_000] });
    const { redis } = test.runtime;
    const tenant = await test.tenant({ callback: server.url });
    server.answer(() => 500);
    await test.end(tenant);
    await server.until(1);
    const [logged] = await test.untilLogged(tenant, 'pending');
    const { tenantId = '', id = '' } = logged?.callback ?? {};
    const mark = `due|deliver|${tenantId}|${id}`;
    const untilPutOff = () => expect.poll(() => scoreOfMark(test.runtime, mark)).not.toBeNull();
    await untilPutOff();
    await redis.zrem(outboxOf(test.runtime, mark), mark); // so it had not come to this
    await test.outbox.mark({ kind: 'callback', tenantId, id }); // another worker takes the job
    await untilPutOff();
    expect(server.received).toHaveLength(1);
    const dueInMs = Number(await scoreOfMark(test.runtime, mark)) - test.clock.now();
    expect(dueInMs).toBeGreaterThan(3_000_000);
  });

  it('that is replayed while it waits is sent at once', async () => {
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
