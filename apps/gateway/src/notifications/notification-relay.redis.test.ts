import { createRelayLanes, type Lane, type RelayLanes } from '@qrcast/runtime/callbacks/relay-lanes';
import { relayUseKey } from '@qrcast/runtime/redis/keys';
import { isOneServer } from '@qrcast/runtime/test/one-server';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import { scoreOfMark } from '@qrcast/runtime/test/work-part';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ADMIN_KEY, type Answer, openTestGateway, type TestGateway, type TestTenant } from '../../test/gateway.ts';

let test: TestGateway;
let lanes: RelayLanes;
beforeAll(async () => {
  test = await openTestGateway();
  lanes = createRelayLanes({ redis: test.node.redis, namespace: test.namespace });
});
afterAll(() => test.close());

async function relayingTenant(): Promise<TestTenant> {
  const tenant = await test.newTenant();
  const body = { relay: { url: 'https://hooks.example.com/relay' } };
  await test.call('PATCH', `/v1/admin/tenants/${tenant.id}`, { secret: ADMIN_KEY, body });
  return tenant;
}

const notify = (tenant: TestTenant, body: string, by = test): Promise<Answer> =>
  by.call('POST', `/v1/webhooks/green-api/${tenant.id}`, {
    secret: tenant.webhookToken,
    body,
    headers: { 'content-type': 'application/json' },
  });

async function all(lane: Lane): Promise<string[]> {
  const bodies: string[] = [];
  for (let first = await lanes.first(lane); first !== null; first = await lanes.first(lane)) {
    bodies.push(first.body);
    await lanes.drop(lane, first);
  }
  return bodies;
}

describe('what is relayed', () => {
  it('is every notification of every kind, byte for byte and in order, and is marked for a worker', async () => {
    const tenant = await relayingTenant();
    const bodies = [
      '{"typeWebhook":"incomingMessageReceived", "instanceData":{"idInstance":1101000001},"big":12345678901234567890,"__proto__":{"a":1}}',
      '{"typeWebhook":"stateInstanceChanged","instanceData":{"idInstance":1101000001},"timestamp":1,"stateInstance":"authorized"}',
      '{"typeWebhook":"outgoingMessageStatus","instanceData":{"idInstance":"1101000001"},"text":"\\u00fc | ü"}',
    ];
    for (const body of bodies) expect((await notify(tenant, body)).status).toBe(200);
    const mark = `relay|${tenant.id}|1101000001`;
    expect(await scoreOfMark({ ...test, ...test.node }, mark)).not.toBeNull();
    expect(await all({ tenantId: tenant.id, instanceId: '1101000001' })).toEqual(bodies);
  });

  it('includes notifications of no instance', async () => {
    const tenant = await relayingTenant();
    for (const body of ['{}', '[1]', '5']) expect((await notify(tenant, body)).status).toBe(200);
    expect(await all({ tenantId: tenant.id, instanceId: '0' })).toEqual(['{}', '[1]', '5']);
  });

  it('is nothing for a tenant without a relay, and nothing that is not a notification', async () => {
    const tenant = await test.newTenant();
    expect((await notify(tenant, '{"instanceData":{"idInstance":1}}')).status).toBe(200);
    expect(await lanes.isEmpty({ tenantId: tenant.id, instanceId: '1' })).toBe(true);
    const relaying = await relayingTenant();
    // If refused, it would come again and hold back what follows.
    expect((await notify(relaying, '{"no json')).status).toBe(200);
    expect((await notify({ ...relaying, webhookToken: 'wrong' }, '{}')).status).toBe(401);
    expect(await lanes.isEmpty({ tenantId: relaying.id, instanceId: '0' })).toBe(true);
  });
});

describe('a notification that cannot be stored', () => {
  it('stays with the provider, after the session has changed', async () => {
    const tenant = await relayingTenant();
    const { session } = await test.create({}, tenant);
    await test.node.redis.hset(relayUseKey(test.namespace, tenant.id), 'count', 10_000);
    const timestamp = Math.floor(Date.now() / 1000) + 2;
    const instanceData = { idInstance: Number(session.instanceId), wid: '79990000000@c.us' };
    const body = JSON.stringify({ typeWebhook: 'stateInstanceChanged', instanceData, timestamp, stateInstance: 'authorized' });
    const refused = await notify(tenant, body);
    expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([503, 'unavailable', '60']);
    expect((await test.node.sessions.find(session.id))?.state.kind).toBe('connected');

    await test.node.redis.hset(relayUseKey(test.namespace, tenant.id), 'count', 0);
    expect((await notify(tenant, body)).status).toBe(200);
    expect(await all({ tenantId: tenant.id, instanceId: session.instanceId })).toEqual([body]);
  });

  it.runIf(isOneServer())('is not answered 200 while Redis is down', async () => {
    const tenant = await relayingTenant();
    const redisUrl = new URL(inject('redisUrl'));
    const proxy = await openTestProxy(Number(redisUrl.port));
    redisUrl.port = String(proxy.port);
    const cut = await openTestGateway({ namespace: test.namespace, redisUrl: redisUrl.href });
    proxy.refuse(true);
    proxy.cut();
    expect((await notify(tenant, '{"n":1}', cut)).status).toBe(503);
    proxy.refuse(false);
    while ((await notify(tenant, '{"n":1}', cut)).status !== 200);
    while ((await cut.call('GET', '/readyz')).status !== 200);
    expect(new Set(await all({ tenantId: tenant.id, instanceId: '0' }))).toEqual(new Set(['{"n":1}']));
    await cut.close();
    await proxy.close();
  });
});
