/**
 * Sessions whose record cannot be read: another version, another program or a damaged disk wrote
 * it. Such a session counts as none, and what is beside it goes on.
 */

import { sessionKey } from '@qrcast/runtime/redis/keys';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_KEY, type Answer, newInstance, openTestGateway, type TestGateway, type TestTenant } from '../../test/gateway.ts';

let test: TestGateway;
let tenant: TestTenant;

beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());
beforeEach(async () => {
  tenant = await test.newTenant();
});

const call = (method: string, path: string, body?: unknown): Promise<Answer> => test.call(method, path, { secret: tenant.apiKey, body });

async function damage(sessionId: string, text = '{"id":'): Promise<void> {
  await test.node.redis.hset(sessionKey(test.namespace, sessionId), 'record', text);
}

describe('an unreadable session', () => {
  it.each(['{"id":', '{"id":"ses_1","version":1}'])(
    '(%s) is left out of the list, which keeps its id for a version that can read it',
    async (text) => {
      const ids: string[] = [];
      for (let i = 0; i < 3; i++) ids.unshift((await test.create({}, tenant)).session.id);
      const [newest = '', bad = '', oldest = ''] = ids;
      const record = await test.node.redis.hget(sessionKey(test.namespace, bad), 'record');
      await damage(bad, text);
      const listed = async (query = ''): Promise<string[]> =>
        (await call('GET', `/v1/sessions${query}`)).body.sessions.map(({ id }: { id: string }) => id);
      expect(await listed()).toEqual([newest, oldest]);
      expect(await listed(`?cursor=${newest}`)).toEqual([oldest]);
      await damage(bad, record ?? '');
      expect(await listed()).toEqual(ids);
    },
  );

  it('is replaced by a new session of its instance, and is not found itself', async () => {
    const instance = newInstance();
    const bad = await test.create(instance, tenant);
    await damage(bad.session.id);
    expect((await call('GET', `/v1/sessions/${bad.session.id}`)).status).toBe(404);
    expect((await call('DELETE', `/v1/sessions/${bad.session.id}`)).status).toBe(404);
    const made = await call('POST', '/v1/sessions', instance);
    expect(made.status).toBe(201);
    expect((await call('POST', '/v1/sessions', instance)).body.session.id).toBe(made.body.session.id);
  });

  it('of an instance takes no notification, which is accepted', async () => {
    const instance = newInstance();
    const { session } = await test.create(instance, tenant);
    await damage(session.id);
    const body = {
      typeWebhook: 'stateInstanceChanged',
      instanceData: { idInstance: Number(instance.instanceId), wid: '79990000000@c.us', typeInstance: 'whatsapp' },
      timestamp: Math.floor(Date.now() / 1000),
      stateInstance: 'notAuthorized',
    };
    const headers = { authorization: `Bearer ${tenant.webhookToken}` };
    expect((await test.call('POST', `/v1/webhooks/green-api/${tenant.id}`, { secret: null, headers, body })).status).toBe(200);
  });

  it('is deleted with its tenant, and so are the sessions behind it', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 102; i++) ids.push((await test.create({}, tenant)).session.id);
    const bad = ids.at(-1) ?? '';
    await damage(bad);
    expect((await test.call('DELETE', `/v1/admin/tenants/${tenant.id}`, { secret: ADMIN_KEY })).status).toBe(204);
    for (const id of ids.slice(0, -1)) expect((await test.node.sessions.find(id))?.state.kind).toBe('ended');
    const left = await test.node.redis.pttl(sessionKey(test.namespace, bad));
    expect([left > 0, left <= 60_000]).toEqual([true, true]);
  });
});
