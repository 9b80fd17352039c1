import { isOneServer } from '@qrcast/runtime/test/one-server';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Answer, openTestGateway, type TestGateway, type TestTenant } from '../../test/gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

/**
 * Unix seconds, later than everything so far: notifications of the attempt's own second do not
 * count.
 */
const soon = (): number => Math.floor(Date.now() / 1000) + 2;

function stateChanged(instanceId: string, stateInstance: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    typeWebhook: 'stateInstanceChanged',
    instanceData: { idInstance: Number(instanceId), wid: '79990000000@c.us', typeInstance: 'v3' },
    timestamp: soon(),
    stateInstance,
    ...fields,
  };
}

function notify(
  body: unknown,
  authorization = `Bearer ${test.tenant.webhookToken}`,
  tenantId = test.tenant.id,
  by = test,
): Promise<Answer> {
  const headers = authorization === '' ? {} : { authorization };
  return by.call('POST', `/v1/webhooks/green-api/${tenantId}`, { secret: null, body, headers: { ...headers } });
}

const sessionOf = async (id: string) => (await test.call('GET', `/v1/sessions/${id}`)).body.session;

describe('who may notify', () => {
  it('the tenant with its own token, with any scheme word or none', async () => {
    const token = test.tenant.webhookToken;
    for (const header of [`Bearer ${token}`, token, `Basic ${token}`, `token  ${token}`, `bearer ${token}`]) {
      expect((await notify({ typeWebhook: 'incomingMessageReceived' }, header)).status).toBe(200);
    }
  });

  it('no other caller', async () => {
    const foreigner: TestTenant = await test.newTenant();
    const { session } = await test.create();
    const body = stateChanged(session.instanceId, 'authorized');
    const cases: [header: string, tenantId: string][] = [
      ['', test.tenant.id],
      ['Bearer', test.tenant.id],
      [`Bearer ${foreigner.webhookToken}`, test.tenant.id],
      [`Bearer ${test.tenant.apiKey}`, test.tenant.id],
      [`Bearer x ${test.tenant.webhookToken}`, test.tenant.id],
      [`Bearer ${test.tenant.webhookToken}`, 'no-such-tenant'],
      ['Bearer', 'no-such-tenant'],
      ['', 'no-such-tenant'],
      [`Bearer ${test.tenant.webhookToken}`, foreigner.id],
    ];
    for (const [header, tenantId] of cases) {
      const { status, body: problem } = await notify(body, header, tenantId);
      expect([status, problem.code]).toEqual([401, 'unauthenticated']);
    }
    expect((await sessionOf(session.id)).state).toBe('waiting');
  });
});

describe('a stranger', () => {
  it.each(['{"no json', `"${'x'.repeat(5 * 1024 * 1024)}"`])('is refused before the body is read (%#)', async (body) => {
    expect((await notify(body, 'Bearer x')).status).toBe(401);
  });
});

describe('what is notified', () => {
  it('a new login connects the session once, and its duplicate changes nothing', async () => {
    const { session, ticket } = await test.create();
    const viewer = test.view(ticket);
    await viewer.until('session', ({ state }) => state === 'waiting');
    const body = stateChanged(session.instanceId, 'authorized');
    expect((await notify(body)).status).toBe(200);
    const stored = await test.node.sessions.find(session.id); // it was stored before the answer
    expect(stored?.state).toEqual({ kind: 'connected', account: { wid: '79990000000@c.us', phone: '79990000000' } });
    for (let i = 0; i < 3; i++) expect((await notify(body)).status).toBe(200);
    expect((await sessionOf(session.id)).version).toBe(stored?.version);
    await viewer.until('closing');
    expect(viewer.all('session').filter(({ state }) => state === 'connected')).toHaveLength(1);
    expect(await test.isQueued(session.id)).toBe(false);
  });

  it('a request for the password is shown at once', async () => {
    const { session } = await test.create();
    await sessionOf(session.id);
    await notify(stateChanged(session.instanceId, 'pendingPassword'));
    expect((await sessionOf(session.id)).state).toBe('password');
  });

  it.each([
    ['a message', { typeWebhook: 'incomingMessageReceived', instanceData: { idInstance: 1 }, messageData: { text: 'x' } }],
    ['an unknown instance', stateChanged('999999', 'authorized')],
    ['a state without an instance', { typeWebhook: 'stateInstanceChanged', timestamp: 1 }],
    ['an empty object', {}],
    ['a list', [1, 2]],
    ['a number', 5],
  ])('%s is answered 200', async (_name, body) => {
    expect((await notify(body)).status).toBe(200);
  });

  it('a large message is accepted, because a refusal would hold back everything after it', async () => {
    const body = { typeWebhook: 'incomingMessageReceived', messageData: { thumbnail: 'x'.repeat(300 * 1024) } };
    expect((await notify(body)).status).toBe(200);
  });

  it("another tenant's session of the same instance is not touched", async () => {
    const foreigner = await test.newTenant();
    const { session } = await test.create({}, foreigner);
    await notify(stateChanged(session.instanceId, 'authorized'));
    expect((await test.node.sessions.find(session.id))?.state.kind).toBe('idle');
  });

  it.each([
    ['authorized', -60, 'an old login'],
    ['pendingPassword', -60, 'an old wish for a password'],
    ['notAuthorized', 2, 'a logout'],
    ['blocked', 2, 'a block'],
    ['something new', 2, 'an unknown state'],
  ])('%s of %i s (%s) confirms nothing, but causes a state request', async (stateInstance, ageSeconds) => {
    const { session } = await test.create();
    await sessionOf(session.id); // a read watches, so it is queued
    // For its first poll, which no worker has done.
    expect(await test.takeWakeUp(session.id)).toMatchObject({ ask: null });
    const before = await test.node.sessions.find(session.id);
    const body = stateChanged(session.instanceId, stateInstance, { timestamp: Math.floor(Date.now() / 1000) + ageSeconds });
    expect((await notify(body)).status).toBe(200);
    expect(await test.node.sessions.find(session.id)).toEqual(before);
    expect(await test.takeWakeUp(session.id)).toMatchObject({ sessionId: session.id, ask: 'state' });
  });

  it('an unconfirmed one starts no polls of a session that nobody watches', async () => {
    const { session } = await test.create();
    expect((await notify(stateChanged(session.instanceId, 'notAuthorized'))).status).toBe(200);
    expect(await test.isQueued(session.id)).toBe(false);
  });
});

describe.runIf(isOneServer())('while Redis is out', () => {
  it('is answered 503, and takes effect when the provider sends it again', async () => {
    const redisUrl = new URL(inject('redisUrl'));
    const proxy = await openTestProxy(Number(redisUrl.port));
    redisUrl.port = String(proxy.port);
    const cut = await openTestGateway({ namespace: test.namespace, redisUrl: redisUrl.href });
    const { session } = await test.create();
    const body = stateChanged(session.instanceId, 'authorized');
    const tell = () => notify(body, `Bearer ${test.tenant.webhookToken}`, test.tenant.id, cut);

    proxy.refuse(true);
    proxy.cut();
    const refused = await tell();
    expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([503, 'unavailable', '1']);
    expect((await test.node.sessions.find(session.id))?.state.kind).toBe('idle');
    proxy.refuse(false);
    while ((await tell()).status !== 200);
    // All connections have to be back before it is closed.
    while ((await cut.call('GET', '/readyz')).status !== 200);
    expect((await test.node.sessions.find(session.id))?.state.kind).toBe('connected');
    await cut.close();
    await proxy.close();
  });
});
