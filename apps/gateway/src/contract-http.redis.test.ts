/**
 * The OpenAPI document and the running gateway agree. Each answer that the document promises is
 * produced here. In every test that calls the gateway, `contract.check` makes sure that no other
 * answer is given. Long, because each promise needs its own set-up, over the same gateways.
 */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { callbackOf } from '@qrcast/core/callback';
import { openApiDocument } from '@qrcast/core/contract/openapi';
import { ERRORS } from '@qrcast/core/errors';
import { createCallbackLog } from '@qrcast/runtime/callbacks/callback-log';
import { liveSessionsKey, settingsLockKey } from '@qrcast/runtime/redis/keys';
import { openTestProxy, type TestProxy } from '@qrcast/runtime/test/proxy';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  ADMIN_KEY,
  type Answer,
  type CallOptions,
  contract,
  imageOf,
  newInstance,
  openTestGateway,
  type TestGateway,
} from '../test/gateway.ts';
import { sendRaw, statuses } from '../test/raw-http.ts';

/** The provider. It answers every password with what `says` holds. */
let provider: Server;
let says: unknown;
let proxy: TestProxy;
let test: TestGateway;
/** Serves the same sessions, but its operator allows no provider host. */
let strict: TestGateway;
/** Drains during all of the tests. */
let leaving: TestGateway;
let stopping: Promise<void>;
/** A gateway for which one call without a credential is too many. */
let guarded: TestGateway;
/** Serves the same sessions, and knows its public address. */
let known: TestGateway;
/** A gateway that cannot reach Redis. */
let stranded: TestGateway;

const apiUrl = (): string => `http://127.0.0.1:${(provider.address() as AddressInfo).port}`; // it listens on TCP

beforeAll(async () => {
  provider = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(says)),
  );
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  test = await openTestGateway({ upstreamHosts: [apiUrl()] });
  strict = await openTestGateway({ namespace: test.namespace, upstreamHosts: [] });

  known = await openTestGateway({
    namespace: test.namespace,
    upstreamHosts: [apiUrl()],
    publicUrl: 'https://qrcast.example.com',
    settingsReadBackMs: 0,
  });
  guarded = await openTestGateway({ addressLimits: { handshakesPerAddressPerMinute: 1, failuresPerAddressPerMinute: 1 } });

  leaving = await openTestGateway();
  const { ticket } = await leaving.create({ apiUrl: undefined });
  // The first viewer is told to leave at once, the second after half of the drain.
  await Promise.all([leaving.view(ticket), leaving.view(ticket)].map((viewer) => viewer.until('session')));
  stopping = leaving.gateway.close(120_000);

  const redisUrl = new URL(inject('redisUrl'));
  proxy = await openTestProxy(Number(redisUrl.port));
  redisUrl.port = String(proxy.port);
  stranded = await openTestGateway({ redisUrl: redisUrl.href });
  proxy.refuse(true);
  proxy.cut();
});
afterAll(async () => {
  proxy.refuse(false);
  await Promise.all([test, strict, known, guarded, leaving, stranded].map((gateway) => gateway.close()));
  await stopping;
  await proxy.close();
  await new Promise((resolve) => provider.close(resolve));
});

interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** The kind of its credential: the last one that the document names. */
  readonly credential: string | undefined;
  readonly scope: string | undefined;
}

const OPERATIONS: readonly Operation[] = Object.entries(openApiDocument({ serverUrl: 'http://127.0.0.1', version: '0' }).paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, security }]) => {
      const [credential, scopes = []] = Object.entries(security.at(-1) ?? {})[0] ?? [];
      return { id: operationId, method: method.toUpperCase(), path, credential, scope: scopes[0] };
    }),
);

const pathOf = ({ path }: Operation, id: string): string => path.replace(/\{\w+\}/g, id);

const secretOf = ({ credential }: Operation): string =>
  ({ adminKey: ADMIN_KEY, webhookToken: test.tenant.webhookToken })[credential ?? ''] ?? test.tenant.apiKey;

/** What the path names, if it names something that exists. */
async function idFor({ path }: Operation): Promise<string> {
  if (/^\/(v1\/sessions|connect)\//.test(path)) return (await create()).session.id;
  if (path.startsWith('/v1/callbacks/')) return logCallback();
  return path.startsWith('/v1/tickets/') ? 'tkt_none' : test.tenant.id;
}

async function call(operation: Operation, options: CallOptions = {}, id?: string, by = test): Promise<Answer> {
  return by.call(operation.method, pathOf(operation, id ?? (await idFor(operation))), { secret: secretOf(operation), ...options });
}

/** Does what a worker would for a session that ended. */
async function logCallback(): Promise<string> {
  const before = sampleSession({ tenantId: test.tenant.id });
  const callback = callbackOf(before, { ...before, version: 2, state: { kind: 'ended', reason: 'cancelled' } }, Date.now());
  if (callback === null) throw new Error('an end is to be told');
  await createCallbackLog({ redis: test.node.redis, namespace: test.namespace }).add(callback);
  return callback.id;
}

const create = (fields: Record<string, unknown> = {}) => test.create({ apiUrl: apiUrl(), ...fields });

async function waitingForPassword(): Promise<string> {
  const { session } = await create();
  await test.call('GET', `/v1/sessions/${session.id}`);
  await test.answer(session.id, { kind: 'passwordWanted' });
  return session.id;
}

const fail = (reason: string) => ({ status: true, data: { status: 'fail', reason } });

/** The provider gives getSettings and setSettings the same answer. */
async function setWebhook(operation: Operation, by: TestGateway, answer: unknown): Promise<Answer> {
  says = answer;
  const { session } = await test.create({ apiUrl: apiUrl() });
  return call(operation, { body: { webhookToken: test.tenant.webhookToken } }, session.id, by);
}

/** Produces the answer to a password, by what the provider says to it. */
async function password(operation: Operation, answer: unknown): Promise<Answer> {
  says = answer;
  return call(operation, { body: { password: 'correct horse' } }, await waitingForPassword());
}

/** Refusals that every call gives for the same reason. */
const REFUSED: Readonly<Record<string, (operation: Operation) => Promise<Answer>>> = {
  unauthenticated: (operation) => call(operation, { secret: null }),
  async forbidden(operation) {
    const { session } = await create();
    const scopes = operation.scope === 'view' ? (['password'] as const) : (['view'] as const);
    return call(operation, { secret: await test.ticketFor(session.id, { scopes }) }, session.id);
  },
  async origin_not_allowed(operation) {
    const { session } = await create();
    const secret = await test.ticketFor(session.id, { origins: ['https://app.example.com'] });
    return call(operation, { secret, headers: { origin: 'https://elsewhere.example.com' } }, session.id);
  },
  invalid_request(operation) {
    // It accepts every body.
    if (operation.credential === 'webhookToken') return authorizedTwice(operation);
    return operation.method === 'GET' ? withSecretInUrl(operation) : call(operation, { body: '{"no json' });
  },
  not_found: (operation) =>
    operation.credential === 'webhookToken' // a missing tenant is answered 401
      ? withSecretInUrl(operation)
      : call(operation, operation.method === 'PATCH' ? { body: {} } : {}, 'none'),
  async session_expired(operation) {
    const past = Date.now() - 60_000;
    const gone = sampleSession({ tenantId: test.tenant.id, expiresAt: past + 30_000 }, past);
    await test.node.sessions.create(gone, '');
    return call(operation, {}, gone.id);
  },
  no_code: (operation) => call(operation),
  async too_many_requests(operation) {
    if (operation.credential === 'adminKey') {
      const guess = { secret: 'nobody-s-key-0123456789' };
      await call(operation, guess, 'none', guarded);
      return call(operation, guess, 'none', guarded);
    }
    const { id, apiKey, webhookToken } = await test.newTenant();
    await test.gateway.tenants.patch(id, { limits: { requestsPerMinute: 0, webhookCallsPerMinute: 0 } });
    return call(operation, { secret: operation.credential === 'webhookToken' ? webhookToken : apiKey }, id);
  },
  async tenant_limit_reached(operation) {
    const tenant = await test.newTenant();
    const { session } = await test.create({ apiUrl: apiUrl() }, tenant);
    if (operation.id === 'resumeSession') {
      await test.passDeadline(session.id);
      // As if a gateway had seen it end.
      await test.node.redis.del(liveSessionsKey(test.namespace, tenant.id));
    }
    await test.gateway.tenants.patch(tenant.id, { limits: { sessions: 0, viewers: 0 } });
    const body = operation.id === 'createSession' ? { ...newInstance(), apiUrl: apiUrl() } : undefined;
    const wait = operation.id === 'readSession' ? '?wait=1' : '';
    const headers = { 'if-none-match': `"${session.version}"` };
    return test.call(operation.method, `${pathOf(operation, session.id)}${wait}`, { secret: tenant.apiKey, body, headers });
  },
  unsupported_media_type: (operation) =>
    call(operation, { body: '{}', headers: { 'content-type': 'application/json; charset=windows-1251' } }),
  body_too_large: (operation) => call(operation, { body: `"${'x'.repeat(5 * 1024 * 1024)}"` }),
  unavailable: (operation) =>
    operation.credential === 'webhookToken'
      ? call(operation, { secret: stranded.tenant.webhookToken, body: {} }, stranded.tenant.id, stranded)
      : call(operation, {}, 'self', leaving),
};

async function withSecretInUrl(operation: Operation): Promise<Answer> {
  return test.call(operation.method, `${pathOf(operation, await idFor(operation))}?ticket=in-the-url`, { secret: secretOf(operation) });
}

/** Requests that no client library would send. */
async function authorizedTwice(operation: Operation): Promise<Answer> {
  const head = [
    `${operation.method} ${pathOf(operation, await idFor(operation))} HTTP/1.1`,
    'Host: x',
    ...Array<string>(2).fill(`Authorization: Bearer ${secretOf(operation)}`),
    'Connection: close',
  ];
  const answer = await sendRaw(test.gateway.port, `${head.join('\r\n')}\r\n\r\n`);
  const text = answer.split('\r\n\r\n')[1] ?? '';
  return { status: Number(statuses(answer)[0]), headers: new Headers(), text, body: JSON.parse(text) };
}

const STATE_CHANGED = { typeWebhook: 'stateInstanceChanged', instanceData: { idInstance: 1 }, timestamp: 1, stateInstance: 'authorized' };

/** Everything else, by the promise. */
const BROUGHT_ABOUT: Readonly<Record<string, (operation: Operation) => Promise<Answer>>> = {
  'createSession 201': (operation) => call(operation, { body: { ...newInstance(), apiUrl: apiUrl() } }),
  async 'createSession 200'(operation) {
    const body = { ...newInstance(), apiUrl: apiUrl() };
    await call(operation, { body });
    return call(operation, { body });
  },
  'createSession 403 upstream_not_allowed': (operation) =>
    call(operation, { body: { ...newInstance(), apiUrl: 'https://evil.example.com' } }),
  async 'readSession 304'(operation) {
    const { session } = await create();
    const { headers } = await call(operation, {}, session.id);
    return call(operation, { headers: { 'if-none-match': headers.get('etag') ?? '' } }, session.id);
  },
  async 'resumeSession 200'(operation) {
    const { session } = await create();
    await test.passDeadline(session.id);
    return call(operation, {}, session.id);
  },
  'sendPassword 200': (operation) => password(operation, { status: true, data: { status: 'success', reason: '' } }),
  'sendPassword 422 password_rejected': (operation) => password(operation, fail('invalid_password')),
  'sendPassword 429 too_many_requests': (operation) => password(operation, fail('rate_limit_exceeded')),
  'sendPassword 409 not_waiting_for_password': (operation) => call(operation, { body: { password: 'correct horse' } }),
  'sendPassword 403 upstream_not_allowed': async (operation) =>
    call(operation, { body: { password: 'correct horse' }, secret: test.tenant.apiKey }, await waitingForPassword(), strict),
  'startOver 200': async (operation) => {
    says = { stateInstance: 'notAuthorized' };
    return call(operation, {}, await waitingForPassword());
  },
  'startOver 409 not_waiting_for_password': (operation) => call(operation),
  'startOver 403 upstream_not_allowed': async (operation) =>
    call(operation, { secret: test.tenant.apiKey }, await waitingForPassword(), strict),
  'checkWebhook 403 upstream_not_allowed': async (operation) => call(operation, {}, (await create()).session.id, strict),
  'setWebhook 200': (operation) => setWebhook(operation, known, { stateWebhook: 'no', webhookUrl: '', saveSettings: true }),
  async 'setWebhook 403 upstream_not_allowed'(operation) {
    const { session } = await create();
    await test.gateway.tenants.patch(test.tenant.id, { upstreamHosts: ['*.example.com'] });
    const answer = await call(operation, { body: { webhookToken: test.tenant.webhookToken } }, session.id, known);
    await test.gateway.tenants.patch(test.tenant.id, { upstreamHosts: null });
    return answer;
  },
  'home 404 not_found': () => test.call('GET', '/', { secret: null, headers: { accept: 'application/json' } }),
  'setWebhook 409 public_url_unknown': (operation) => setWebhook(operation, test, null),
  'setWebhook 409 webhook_url_differs': (operation) =>
    setWebhook(operation, known, { stateWebhook: 'no', webhookUrl: 'https://elsewhere.example.com/hook' }),
  async 'setWebhook 409 attempt_live'(operation) {
    const id = await waitingForPassword();
    return call(operation, { body: { webhookToken: test.tenant.webhookToken } }, id, known);
  },
  async 'setWebhook 409 credentials_gone'(operation) {
    const { session } = await create();
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    return call(operation, { body: { webhookToken: test.tenant.webhookToken } }, session.id, known);
  },
  async 'setWebhook 409 webhook_busy'(operation) {
    const { session } = await create();
    const { instanceKey } = (await test.node.sessions.find(session.id)) ?? { instanceKey: '' };
    await test.node.redis.set(settingsLockKey(test.namespace, instanceKey), 'another call');
    return call(operation, { body: { webhookToken: test.tenant.webhookToken } }, session.id, known);
  },
  async 'watchSession 200'(operation) {
    const { session } = await create();
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    return call(operation, {}, session.id); // the stream ends after the final state
  },
  async 'watchSession 204'(operation) {
    const { session } = await create();
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    const { version } = (await test.call('GET', `/v1/sessions/${session.id}`)).body.session;
    return call(operation, { headers: { 'last-event-id': String(version) } }, session.id);
  },
  'readCodePng 200': showCode,
  'readCodeSvg 200': showCode,
  'takeNotification 200': (operation) => call(operation, { body: STATE_CHANGED }),
  'createTenant 201': (operation) =>
    call(operation, { body: { id: 'new-one', name: 'New', limits: { sessions: 5 }, callback: { url: 'https://a.example' } } }),
  'changeTenant 200': async (operation) =>
    call(operation, { body: { name: 'Changed', upstreamHosts: ['*.example.com'] } }, (await test.newTenant()).id),
  'deleteTenant 204': async (operation) => call(operation, {}, (await test.newTenant()).id),
  async 'removeKey 204'(operation) {
    const { id } = await test.newTenant();
    const { text } = await test.call('POST', `/v1/admin/tenants/${id}/keys`, { secret: ADMIN_KEY });
    const { keyId } = JSON.parse(text) as { keyId: string };
    return test.call(operation.method, `/v1/admin/tenants/${id}/keys/${keyId}`, { secret: ADMIN_KEY });
  },
  'framedLoginPage 503 unavailable': (operation) => call(operation, {}, 'ses_none', stranded),
  'loginPageOrigins 503 unavailable': (operation) => call(operation, {}, 'ses_none', stranded),
  'ready 503': (operation) => call(operation, {}, 'none', leaving),
};

async function showCode(operation: Operation): Promise<Answer> {
  const { session } = await create();
  await test.call('GET', `/v1/sessions/${session.id}`);
  await test.answer(session.id, { kind: 'code', digest: 'one', image: imageOf('iVBORw0KGgo='), text: 'https://example.com/:auth/1' });
  return call(operation, {}, session.id);
}

/** Asks for a file again with its ETag, which is answered 304. */
async function unchanged(operation: Operation): Promise<Answer> {
  const { headers } = await call(operation);
  return call(operation, { headers: { 'if-none-match': headers.get('etag') ?? '' } });
}

function bringAbout(promise: string): Promise<Answer> {
  const [id, status, code] = promise.split(' ');
  const operation = OPERATIONS.find((one) => one.id === id);
  if (operation === undefined) throw new Error(`there is no operation ${id}`);
  const special = BROUGHT_ABOUT[promise];
  if (special !== undefined) return special(operation);
  if (code === 'not_resumable' || code === undefined) return status === '304' ? unchanged(operation) : call(operation);
  const refused = REFUSED[code];
  if (refused === undefined) throw new Error(`nothing here brings ${promise} about; is it still answered?`);
  return refused(operation);
}

describe('what the document promises is what the gateway answers', () => {
  it.each(contract.promises)('%s', async (promise) => {
    const { status, body, text } = await bringAbout(promise);
    const [id, ...promised] = promise.split(' ');
    expect([String(status), ...(body.code === undefined ? [] : [body.code])], `${id} answered ${text.slice(0, 300)}`).toEqual(promised);
  });

  it('every error code is among them', () => {
    const promised = new Set(contract.promises.map((promise) => promise.split(' ')[2]));
    expect(Object.keys(ERRORS).filter((code) => !promised.has(code))).toEqual([]);
  });
});
