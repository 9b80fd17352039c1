import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLog } from '@qrcast/runtime/log';
import { findKeys } from '@qrcast/runtime/test/find-keys';
import { openTestProxy, type TestProxy } from '@qrcast/runtime/test/proxy';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ADMIN_KEY, type Answer, newInstance, openTestGateway, type TestGateway, type TestTenant } from '../test/gateway.ts';
import type { Viewer } from '../test/viewer.ts';

const PASSWORD = 'correct-horse-battery';
const PICTURE = 'PICTUREOFTHECODE0123456789';

/** A provider that echoes secrets. */
let provider: Server;
let proxy: TestProxy;
let test: TestGateway;
const logged: string[] = [];
const refusals: Answer[] = [];
const secrets = new Map<string, string>();

beforeAll(async () => {
  provider = createServer((request, response) => {
    const echo = { status: true, data: { status: 'fail', reason: 'invalid_password', url: request.url, password: PASSWORD } };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(echo));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const redisUrl = new URL(inject('serverUrl'));
  proxy = await openTestProxy(Number(redisUrl.port));
  secrets.set('the Redis password', redisUrl.password);
  redisUrl.port = String(proxy.port);
  const log = createLog('gateway', 'trace', { write: (line) => void logged.push(line) });
  test = await openTestGateway({ redisUrl: redisUrl.href, log, upstreamHosts: [apiUrl()] });
  await runScenario();
});
afterAll(async () => {
  await test.close();
  await proxy.close();
  await new Promise((resolve) => provider.close(resolve));
});

const apiUrl = (): string => `http://127.0.0.1:${(provider.address() as AddressInfo).port}`; // it listens on TCP

/** Calls that succeed and calls that fail, with a secret wherever one is given. */
async function runScenario(): Promise<void> {
  const instance = newInstance();
  const { session, ticket, ticketId } = await test.create({ ...instance, apiUrl: apiUrl() });
  const path = `/v1/sessions/${session.id}`;
  const foreign = await test.newTenant();
  const expired = await test.ticketFor(session.id, { expiresAt: Date.now() - 1_000 });
  const named = { ticket, expired, PASSWORD, PICTURE, ADMIN_KEY, apiToken: instance.apiToken };
  for (const [name, secret] of Object.entries(named)) secrets.set(name, secret);
  for (const { id, apiKey, webhookToken } of [test.tenant, foreign])
    secrets.set(`key of ${id}`, apiKey).set(`token of ${id}`, webhookToken);

  const viewer = test.view(ticket);
  await viewer.until('session', ({ state }) => state === 'waiting');
  await test.showCode(session.id, PICTURE);
  await viewer.until('session', ({ state }) => state === 'showing');
  await test.answer(session.id, { kind: 'passwordWanted' });
  await viewer.until('session', ({ state }) => state === 'password');

  const refused = refusedCalls({ instance, path, ticket, expired, foreign });
  for (const [method, where, options] of refused) refusals.push(await test.call(method, where, options));

  expect((await test.view(expired).refused).code).toBe('unauthenticated');
  await viewer.call('subscribe', { ticket: expired });
  await viewer.call('password', { sessionId: session.id, password: PASSWORD });

  await callWithoutRedis(viewer, { instance, path, ticket });
  await test.call('DELETE', `/v1/tickets/${ticketId}`);
  await viewer.until('closing');
  await test.call('DELETE', path);
}

interface Given {
  readonly instance: ReturnType<typeof newInstance>;
  /** Of the session. */
  readonly path: string;
  readonly ticket: string;
  readonly expired: string;
  readonly foreign: TestTenant;
}

type Call = [method: string, path: string, options: Parameters<TestGateway['call']>[2]];

function refusedCalls({ instance, path, ticket, expired, foreign }: Given): readonly Call[] {
  const { apiToken } = instance;
  return [
    ['POST', `${path}/password`, { secret: ticket, body: { password: PASSWORD } }],
    ['POST', `${path}/password`, { body: { password: PASSWORD, [PASSWORD]: PASSWORD, pin: PASSWORD } }],
    ['POST', `${path}/password`, { body: PASSWORD }],
    ['POST', `${path}/password`, { secret: ticket, body: { password: PASSWORD.repeat(20) } }],
    ['POST', `${path}/webhook`, { body: { webhookToken: test.tenant.webhookToken } }],
    ['POST', `${path}/webhook`, { body: { webhookToken: [test.tenant.webhookToken], [test.tenant.webhookToken]: PASSWORD } }],
    ['POST', `${path}/webhook`, { secret: ticket, body: { webhookToken: test.tenant.webhookToken } }],
    ['POST', '/v1/sessions', { body: { ...instance, apiToken: `${apiToken} ` } }],
    ['POST', '/v1/sessions', { body: { ...instance, apiUrl: `https://1101.api.green-api.com/waInstance1/qr/${apiToken}` } }],
    ['POST', '/v1/sessions', { body: { ...instance, reference: apiToken.repeat(5) } }],
    ['POST', '/v1/sessions', { body: `{"apiToken":"${apiToken}` }],
    ['POST', '/v1/sessions', { body: { instanceId: apiToken, apiToken: [apiToken] } }],
    ['GET', `/v1/${apiToken}?key=${test.tenant.apiKey}`, {}],
    ['GET', `/v1/sessions/%zz${apiToken}`, {}],
    ['GET', `/v1/sessions/${ticket}`, {}],
    ['GET', `/v1/sessions?cursor=${'x'.repeat(200)}&reference=${PASSWORD.repeat(20)}`, {}],
    ['GET', path, { secret: expired }],
    ['GET', path, { secret: `${ticket}x` }],
    ['GET', path, { secret: `${test.tenant.apiKey}x` }],
    ['GET', path, { secret: foreign.apiKey }],
    ['GET', '/v1/admin/tenants', { secret: `${ADMIN_KEY}x` }],
    ['GET', `/v1/admin/tenants/${apiToken}`, { secret: ADMIN_KEY }],
    ['POST', `/v1/webhooks/green-api/${test.tenant.id}`, { secret: foreign.webhookToken, body: {} }],
  ];
}

/** Resolves once the gateway has reached Redis again. */
async function callWithoutRedis(viewer: Viewer, { instance, path, ticket }: Pick<Given, 'instance' | 'path' | 'ticket'>): Promise<void> {
  proxy.refuse(true);
  proxy.cut();
  const withoutRedis = [
    test.call('GET', path, { secret: ticket }),
    test.call('GET', path),
    test.call('POST', '/v1/sessions', { body: { ...instance, apiUrl: apiUrl() } }),
    test.call('GET', '/readyz'),
  ];
  await viewer.call('subscribe', { ticket });
  refusals.push(...(await Promise.all(withoutRedis)));
  proxy.refuse(false);
  while ((await test.call('GET', '/readyz')).status !== 200);
}

describe('nothing secret', () => {
  it('is in the log, even at its lowest level', () => {
    const text = logged.join('');
    for (const [name, secret] of secrets) expect(text.includes(secret), `the log holds ${name}`).toBe(false);
    // It did log: requests by their route, faults by their kind.
    expect(text).toContain('"route":"/v1/sessions/:id/password"');
    expect(text).toContain('a request failed');
    expect(text).toContain('redis connection lost');
  });

  it('is in a refusal', () => {
    expect(refusals.map(({ status }) => status).filter((status) => status < 400)).toEqual([]);
    for (const { text, body } of refusals) {
      // A name from the request may be repeated. Here it was a token that the operator had pasted
      // in the wrong place.
      if (body.detail?.startsWith('there is no tenant')) continue;
      for (const [name, secret] of secrets) expect(text.includes(secret), `${text} holds ${name}`).toBe(false);
      expect(text).not.toMatch(/127\.0\.0\.1|redis:|\.ts:\d/);
    }
  });

  it('is in Redis unencrypted, except for the picture while it is shown', async () => {
    const instance = newInstance();
    const { session, ticket } = await test.create({ ...instance, apiUrl: apiUrl() });
    await test.call('GET', `/v1/sessions/${session.id}`);
    await test.showCode(session.id, PICTURE);
    const whileShown = await dump();
    expect(whileShown).toContain(session.id);
    expect(whileShown).toContain(PICTURE);
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    const after = await dump();
    const all = new Map([...secrets, ['another token', instance.apiToken], ['another ticket', ticket]] as const);
    for (const [name, secret] of all) expect(after.includes(secret), `Redis holds ${name}`).toBe(false);
  });
});

/** Every key of the namespace with everything in it. */
async function dump(): Promise<string> {
  const { redis } = test.node;
  const texts: string[] = [];
  for (const key of await findKeys(redis, `*${test.namespace}*`)) {
    const readers: Readonly<Record<string, () => Promise<unknown>>> = {
      string: () => redis.get(key),
      hash: () => redis.hgetall(key),
      set: () => redis.smembers(key),
      list: () => redis.lrange(key, 0, -1),
      zset: () => redis.zrange(key, '0', '-1', 'WITHSCORES'),
      stream: () => redis.xrange(key, '-', '+'),
    };
    const type = await redis.type(key);
    const read = readers[type];
    if (read === undefined) throw new Error(`a key of type ${type} cannot be read`);
    texts.push(key, JSON.stringify(await read()));
  }
  return texts.join('\n');
}
