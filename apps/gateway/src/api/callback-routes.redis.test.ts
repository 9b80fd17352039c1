import { callbackOf, type WireCallback } from '@qrcast/core/callback';
import { type CallbackLog, createCallbackLog } from '@qrcast/runtime/callbacks/callback-log';
import { createReceivers } from '@qrcast/runtime/callbacks/callback-receivers';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { createLog } from '@qrcast/runtime/log';
import { callbackKey } from '@qrcast/runtime/redis/keys';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { scoreOfMark } from '@qrcast/runtime/test/work-part';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, openTestGateway, SECRET_KEYS, type TestGateway, type TestTenant } from '../../test/gateway.ts';

let test: TestGateway;
let log: CallbackLog;
beforeAll(async () => {
  test = await openTestGateway();
  log = createCallbackLog({ redis: test.node.redis, namespace: test.namespace, log: createLog('test', 'silent') });
});
afterAll(() => test.close());

/** Logs a callback as a worker would. */
async function logCallback(tenant: TestTenant, at = Date.now()): Promise<string> {
  const before = sampleSession({ tenantId: tenant.id });
  const callback = callbackOf(before, { ...before, version: 2, state: { kind: 'ended', reason: 'cancelled' } }, at);
  if (callback === null) throw new Error('an end is to be told');
  await log.add(callback);
  return callback.id;
}

async function fail(tenant: TestTenant, id: string): Promise<void> {
  const logged = await log.find(tenant.id, id);
  if (logged === null) throw new Error('it is not there');
  await log.record(logged, { at: Date.now(), ms: 7, status: 500 }, { state: 'failed', nextAttemptAt: 0 });
}

interface Answered {
  readonly callbacks: readonly WireCallback[];
  readonly callback: WireCallback;
  readonly nextCursor: string | null;
}

async function call(method: string, path: string, tenant: TestTenant): Promise<Answered & { status: number; code: string }> {
  const { status, text } = await test.call(method, path, { secret: tenant.apiKey });
  return { ...JSON.parse(text), status };
}

describe('the log', () => {
  it('is listed newest first, page by page, and by state', async () => {
    const tenant = await test.newTenant();
    const at = Date.now();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift(await logCallback(tenant, at + i));
    const [failedId = ''] = ids;
    await fail(tenant, failedId);

    const first = await call('GET', '/v1/callbacks?limit=2', tenant);
    const second = await call('GET', `/v1/callbacks?limit=10&cursor=${first.nextCursor}`, tenant);
    expect([...first.callbacks, ...second.callbacks].map(({ id }) => id)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
    const failed = await call('GET', '/v1/callbacks?state=failed', tenant);
    expect(failed.callbacks).toMatchObject([{ id: failedId, state: 'failed', attempts: [{ ms: 7, status: 500 }], nextAttemptAt: null }]);
    expect((await call('GET', '/v1/callbacks?state=pending', tenant)).callbacks).toHaveLength(4);
  });

  it('is listed without an entry that cannot be read, which is not found itself', async () => {
    const tenant = await test.newTenant();
    const at = Date.now();
    const [oldest, bad, newest] = [await logCallback(tenant, at), await logCallback(tenant, at + 1), await logCallback(tenant, at + 2)];
    for (const [field, text] of [
      ['callback', '{"id":'],
      ['attempts', '[{}]'],
    ] as const) {
      await test.node.redis.hset(callbackKey(test.namespace, tenant.id, bad), field, text);
      expect((await call('GET', '/v1/callbacks', tenant)).callbacks.map(({ id }) => id)).toEqual([newest, oldest]);
      expect((await call('GET', `/v1/callbacks/${bad}`, tenant)).status).toBe(404);
      expect((await call('POST', `/v1/callbacks/${bad}/replay`, tenant)).status).toBe(404);
    }
  });

  it('is listed to its end, across callbacks that expired', async () => {
    const tenant = await test.newTenant();
    const at = Date.now();
    const kept = await logCallback(tenant, at);
    const expired = await Promise.all(Array.from({ length: 120 }, (_, i) => logCallback(tenant, at + 1 + i))); // more than are read at once
    await test.node.redis.del(expired.map((id) => callbackKey(test.namespace, tenant.id, id)));
    const { callbacks, nextCursor } = await call('GET', '/v1/callbacks', tenant);
    expect([callbacks.map(({ id }) => id), nextCursor]).toEqual([[kept], null]);
  });

  it('shows no body and no address', async () => {
    const tenant = await test.newTenant();
    const { callback } = await call('GET', `/v1/callbacks/${await logCallback(tenant)}`, tenant);
    expect(Object.keys(callback).sort()).toEqual(['attempts', 'createdAt', 'id', 'nextAttemptAt', 'sessionId', 'state', 'type']);
  });

  it("does not find another tenant's callback, like one that never existed", async () => {
    const [tenant, foreigner] = [await test.newTenant(), await test.newTenant()];
    const id = await logCallback(tenant);
    for (const [method, suffix] of [
      ['GET', ''],
      ['POST', '/replay'],
    ] as const) {
      const foreign = await call(method, `/v1/callbacks/${id}${suffix}`, foreigner);
      const none = await call(method, `/v1/callbacks/evt_none${suffix}`, foreigner);
      expect([foreign.status, foreign.code]).toEqual([404, 'not_found']);
      expect(foreign).toEqual(none);
    }
    expect((await call('GET', '/v1/callbacks', foreigner)).callbacks).toEqual([]);
  });

  it('keeps a thousand settled callbacks, and all that wait', async () => {
    const tenant = await test.newTenant();
    const at = Date.now() - 10_000;
    const waiting = await logCallback(tenant, at);
    for (let i = 1; i <= 1_010; i++) await fail(tenant, await logCallback(tenant, at + i));
    const ids = await log.page(tenant.id, null, 2_000);
    expect(ids.length).toBeLessThanOrEqual(1_001);
    expect(ids).toContain(waiting);
  });
});

describe('sending one again', () => {
  it('makes it pending for another day, and marks it for a worker', async () => {
    const tenant = await test.newTenant();
    const id = await logCallback(tenant, Date.now() - 90_000_000);
    await fail(tenant, id);
    const { status, callback } = await call('POST', `/v1/callbacks/${id}/replay`, tenant);
    expect([status, callback.state, callback.id]).toEqual([202, 'pending', id]);
    expect((await log.find(tenant.id, id))?.giveUpAt).toBeGreaterThan(Date.now() + 86_000_000);
    expect(await scoreOfMark({ ...test, ...test.node }, `callback|${tenant.id}|${id}`)).not.toBeNull();
  });
});

describe('the addresses of a tenant', () => {
  const patch = (body: object) => test.call('PATCH', `/v1/admin/tenants/${test.tenant.id}`, { secret: ADMIN_KEY, body });

  it.each(['http://hooks.example.com/', 'https://127.0.0.1/', 'https://localhost/', 'https://u:p@hooks.example.com/', 'https://[::1]/'])(
    '%s is refused',
    async (url) => {
      for (const field of ['callback', 'relay']) {
        const { status, body } = await patch({ [field]: { url } });
        expect([status, body.code]).toEqual([400, 'invalid_request']);
        expect(body.detail).toContain(`${field}.url`);
        expect(body.detail).not.toContain(url);
      }
    },
  );

  it('are set and removed', async () => {
    const url = 'https://hooks.example.com/qrcast';
    expect(JSON.parse((await patch({ callback: { url }, relay: { url } })).text).tenant).toMatchObject({
      callback: { url },
      relay: { url },
    });
    expect(JSON.parse((await patch({ callback: null, relay: null })).text).tenant).toMatchObject({ callback: null, relay: null });
  });
});

it('a new callback secret signs together with the old one for a day', async () => {
  const { redis, clock } = test.node;
  const tenant = await test.newTenant();
  const receivers = (now: number) =>
    createReceivers({ redis, namespace: test.namespace, keyring: createKeyring(SECRET_KEYS), clock: { now: () => now } });
  const secrets = async (now: number) => (await receivers(now).find(tenant.id))?.secrets();
  const [before = ''] = (await secrets(clock.now())) ?? [];
  const { status, text } = await test.call('POST', `/v1/admin/tenants/${tenant.id}/callback-secret`, { secret: ADMIN_KEY });
  const { callbackSecret, previousValidUntil } = JSON.parse(text) as { callbackSecret: string; previousValidUntil: number };
  expect(status).toBe(201);
  expect(callbackSecret).not.toBe(before);
  expect(await secrets(previousValidUntil - 1)).toEqual([callbackSecret, before]);
  expect(await secrets(previousValidUntil)).toEqual([callbackSecret]);
});
