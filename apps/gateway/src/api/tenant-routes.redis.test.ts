import { tenantsKey } from '@qrcast/runtime/redis/keys';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, newInstance, openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

interface Shown {
  readonly id: string;
  readonly keys: readonly { readonly id: string; readonly lastUsedAt: number | null }[];
}

interface Made {
  readonly tenant: Shown;
  readonly tenants: readonly Shown[];
  readonly apiKey: string;
  readonly keyId: string;
  readonly webhookToken: string;
  readonly webhookUrl: string;
  readonly callbackSecret: string;
  readonly code: string;
  readonly detail: string;
}

async function admin(method: string, path: string, body?: unknown, secret: string | null = ADMIN_KEY) {
  const answer = await test.call(method, `/v1/admin/tenants${path}`, { secret, body });
  // Answers of the admin API have fields of their own.
  return { ...answer, body: answer.body as unknown as Made };
}

let names = 0;
const newId = (): string => `tenant-${++names}`;
const made = async (id = newId()): Promise<Made> => (await admin('POST', '', { id, name: 'A tenant' })).body;
const works = async (apiKey: string): Promise<boolean> => (await test.call('GET', '/v1/sessions', { secret: apiKey })).status === 200;

describe('the operator', () => {
  it.each([
    ['no key', null],
    ['another key', 'x'.repeat(ADMIN_KEY.length)],
    ['part of the key', ADMIN_KEY.slice(0, -1)],
  ])('is not accepted with %s, for any call', async (_name, secret) => {
    const calls = [
      ['POST', ''],
      ['GET', ''],
      ['GET', '/a'],
      ['PATCH', '/a'],
      ['DELETE', '/a'],
      ['POST', '/a/keys'],
      ['DELETE', '/a/keys/k'],
    ] as const;
    for (const [method, path] of calls) {
      const { status, body } = await admin(method, path, undefined, secret);
      expect([status, body.code]).toEqual([401, 'unauthenticated']);
    }
  });

  it("is not a tenant either, and a tenant's key is no admin key", async () => {
    expect((await admin('GET', '', undefined, test.tenant.apiKey)).status).toBe(401);
    expect(await works(ADMIN_KEY)).toBe(false);
  });

  it('does not exist without an admin key', async () => {
    const off = await openTestGateway({ adminKey: undefined });
    for (const secret of [ADMIN_KEY, '', 'undefined']) {
      expect((await off.call('GET', '/v1/admin/tenants', { secret })).status).toBe(401);
    }
    await off.close();
  });
});

describe('tenants', () => {
  it('are created with secrets that are shown once', async () => {
    const id = newId();
    const fields = {
      id,
      name: 'Acme',
      allowedOrigins: ['https://app.example.com'],
      upstreamHosts: ['api.green-api.com'],
      limits: { sessions: 10 },
      callback: { url: 'https://app.example.com/hook' },
    };
    const { status, body } = await admin('POST', '', fields);
    expect(status).toBe(201);
    expect(body.tenant).toMatchObject(fields);
    expect(body.webhookUrl).toBe(`${test.url}/v1/webhooks/green-api/${id}`);
    expect(await works(body.apiKey)).toBe(true);
    const headers = { authorization: `Bearer ${body.webhookToken}` };
    expect((await test.call('POST', new URL(body.webhookUrl).pathname, { secret: null, body: {}, headers })).status).toBe(200);
    for (const path of ['', `/${id}`]) {
      const { text } = await admin('GET', path);
      for (const secret of [body.apiKey, body.webhookToken, body.callbackSecret]) expect(text).not.toContain(secret);
      expect(text).not.toMatch(/hash|sealed/i);
    }
  });

  it('are listed and read back', async () => {
    const { tenant } = await made();
    expect((await admin('GET', '')).body.tenants.map(({ id }) => id)).toContain(tenant.id);
    expect((await admin('GET', `/${tenant.id}`)).body.tenant).toEqual(tenant);
  });

  it('have unique ids: a second tenant of an id is refused and changes nothing', async () => {
    const first = await made();
    const { status, body } = await admin('POST', '', { id: first.tenant.id, name: 'Another' });
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(body.detail).toMatch(/^id:/);
    expect(await works(first.apiKey)).toBe(true);
    expect((await admin('GET', `/${first.tenant.id}`)).body.tenant).toMatchObject({ name: 'A tenant' });
  });

  it.each([
    ['id', { id: 'Has Spaces', name: 'x' }],
    ['name', { id: 'fine' }],
    ['allowedOrigins', { id: 'fine', name: 'x', allowedOrigins: ['example.com'] }],
    ['limits.sessions', { id: 'fine', name: 'x', limits: { sessions: -1 } }],
    ['callback.url', { id: 'fine', name: 'x', callback: { url: 'ftp://x' } }],
    ['apiKey', { id: 'fine', name: 'x', apiKey: 'qk_x' }],
  ])('are refused with a wrong %s', async (field, fields) => {
    const { status, body } = await admin('POST', '', fields);
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(body.detail).toContain(field);
  });

  it('are changed field by field, and their keys stay valid', async () => {
    const { tenant, apiKey } = await made();
    const { status, body } = await admin('PATCH', `/${tenant.id}`, { name: 'Renamed' });
    expect(status).toBe(200);
    expect(body.tenant).toEqual({ ...tenant, name: 'Renamed' });
    expect(await works(apiKey)).toBe(true);
    expect((await admin('PATCH', `/${tenant.id}`, { id: 'other' })).body.code).toBe('invalid_request');
  });

  it('are removed with their keys, and their sessions end', async () => {
    const { tenant, apiKey, webhookToken } = await made();
    const { session, ticket } = (await test.call('POST', '/v1/sessions', { secret: apiKey, body: newInstance() })).body;
    const viewer = test.view(ticket);
    await viewer.until('session');
    expect((await admin('DELETE', `/${tenant.id}`)).status).toBe(204);
    expect((await viewer.until('session', ({ state }) => state === 'ended')).end?.reason).toBe('cancelled');
    expect(await works(apiKey)).toBe(false);
    const headers = { authorization: webhookToken };
    expect((await test.call('POST', `/v1/webhooks/green-api/${tenant.id}`, { secret: null, body: {}, headers })).status).toBe(401);
    expect(await test.isQueued(session.id)).toBe(false);
  });

  it.each([
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['POST', '/keys'],
    ['DELETE', '/keys/key_1'],
  ])('that do not exist: %s …%s is not_found', async (method, rest) => {
    const { status, body } = await admin(method, `/nobody${rest}`, method === 'PATCH' ? { name: 'x' } : undefined);
    expect([status, body.code]).toEqual([404, 'not_found']);
  });
});

describe('keys', () => {
  it('a second one works beside the first until either is removed', async () => {
    const first = await made();
    const { id } = first.tenant;
    const added = await admin('POST', `/${id}/keys`);
    expect(added.status).toBe(201);
    expect([await works(first.apiKey), await works(added.body.apiKey)]).toEqual([true, true]);
    expect((await admin('GET', `/${id}`)).body.tenant.keys).toHaveLength(2);
    const [{ id: firstId } = { id: '' }] = first.tenant.keys;
    expect((await admin('DELETE', `/${id}/keys/${firstId}`)).status).toBe(204);
    expect([await works(first.apiKey), await works(added.body.apiKey)]).toEqual([false, true]);
    expect((await admin('DELETE', `/${id}/keys/${firstId}`)).status).toBe(404);
  });

  it('a third one is refused until one is removed, even if two are requested at once', async () => {
    const { id } = (await made()).tenant;
    const answers = await Promise.all([admin('POST', `/${id}/keys`), admin('POST', `/${id}/keys`), admin('POST', `/${id}/keys`)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400, 400]);
    const refused = answers.find(({ status }) => status === 400);
    expect(refused?.body).toMatchObject({ code: 'invalid_request', detail: 'a tenant has 2 API keys at most; remove one of them first' });
    const { keys } = (await admin('GET', `/${id}`)).body.tenant;
    expect(keys).toHaveLength(2);
    await admin('DELETE', `/${id}/keys/${keys[0]?.id}`);
    expect((await admin('POST', `/${id}/keys`)).status).toBe(201);
  });

  it('each report their last use, to within a minute', async () => {
    const { tenant } = await made();
    const keyOf = async (keyId: string) => (await admin('GET', `/${tenant.id}`)).body.tenant.keys.find(({ id }) => id === keyId);
    const { keyId, apiKey } = (await admin('POST', `/${tenant.id}/keys`)).body;
    expect(await keyOf(keyId)).toMatchObject({ lastUsedAt: null });
    const from = test.node.clock.now() - 100; // the gateway measures the time by itself
    await works(apiKey);
    const used = await keyOf(keyId);
    expect(used?.lastUsedAt).toBeGreaterThanOrEqual(from);
    expect(used?.lastUsedAt).toBeLessThanOrEqual(test.node.clock.now() + 100);
    await works(apiKey);
    expect(await keyOf(keyId)).toEqual(used); // not written again so soon
    expect(await keyOf(tenant.keys[0]?.id ?? '')).toMatchObject({ lastUsedAt: null });
    expect((await admin('GET', '')).body.tenants.find(({ id }) => id === tenant.id)?.keys).toContainEqual(used);
  });

  it('that the operator sets replace the oldest if there are two already', async () => {
    const first = await made();
    const { id } = first.tenant;
    const second = (await admin('POST', `/${id}/keys`)).body.apiKey;
    await test.gateway.tenants.adopt(id, { apiKey: 'qk_given', webhookToken: 'wt_given' });
    expect([await works(first.apiKey), await works(second), await works('qk_given')]).toEqual([false, true, true]);
    expect((await admin('GET', `/${id}`)).body.tenant.keys).toHaveLength(2);
  });
});

describe('what a tenant sets for connected instances', () => {
  const shown = async (id: string) => {
    const { keepConnectedDays, checkConnectedEvery } = (await admin('GET', `/${id}`)).body.tenant as unknown as Record<string, unknown>;
    return [keepConnectedDays, checkConnectedEvery];
  };

  it('is 30 days and no checks, unless the operator sets something else', async () => {
    const id = newId();
    await made(id);
    expect(await shown(id)).toEqual([30, null]);
    await admin('PATCH', `/${id}`, { keepConnectedDays: 0, checkConnectedEvery: 60 });
    expect(await shown(id)).toEqual([0, 60]);
    await admin('PATCH', `/${id}`, { name: 'Another name' });
    expect(await shown(id)).toEqual([0, 60]);
    await admin('PATCH', `/${id}`, { keepConnectedDays: null, checkConnectedEvery: null });
    expect(await shown(id)).toEqual([30, null]);
    const other = newId();
    await admin('POST', '', { id: other, name: 'A tenant', keepConnectedDays: 365, checkConnectedEvery: 1 });
    expect(await shown(other)).toEqual([365, 1]);
    await admin('POST', '', { id: newId(), name: 'A tenant', checkConnectedEvery: null });
  });

  it('is the default for a tenant that an older version created', async () => {
    const id = newId();
    await made(id);
    const key = tenantsKey(test.namespace);
    const { keepConnectedDays, checkConnectedEvery, ...older } = JSON.parse((await test.node.redis.hget(key, id)) ?? '{}');
    await test.node.redis.hset(key, id, JSON.stringify(older));
    expect(await shown(id)).toEqual([30, null]);
  });
});
