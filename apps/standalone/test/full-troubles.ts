/** For tests: the failures of the full scenario, caused by each side, and how they end. */

import type { CallOptions, Stream } from './callers.ts';
import type { LeakStage } from './leak-stage.ts';
import type { Environment } from './role-process.ts';

export interface Tenant {
  readonly apiKey: string;
  readonly webhookToken: string;
}

export interface Login {
  readonly id: string;
  readonly apiToken: string;
  readonly ticket: string;
  readonly ticketId: string;
  readonly pageUrl: string;
}

export interface Cast {
  readonly tenant: Tenant;
  readonly other: Tenant;
  readonly removedKey: string;
  readonly password: string;
}

export interface Resumed extends Login {
  readonly viewer: Stream;
  readonly expired: string;
}

export interface Logins {
  readonly login: Login;
  readonly resumed: Resumed;
}

/**
 * The part of a ticket that makes it valid. What precedes it is almost the same in all tickets, and
 * opens nothing.
 */
export const signatureOf = (ticket: string): string => ticket.split('.')[2] ?? '';

export const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Sends wrong secrets of every kind to every place that accepts one. */
export async function bringWrongCredentials(stage: LeakStage, cast: Cast, { login, resumed }: Logins): Promise<void> {
  const { hunt, callers, call, operator, accessLogs } = stage;
  const [a, b] = accessLogs;
  const { tenant, other, password } = cast;
  const narrow = { scopes: ['password'], origins: ['https://app.example.com'] };
  const { body } = await call('POST', `/v1/sessions/${resumed.id}/tickets`, { secret: tenant.apiKey, body: narrow });
  const ofLittleUse = asText(body['ticket']);
  hunt.add('the ticket of little use', signatureOf(ofLittleUse));
  const tickets = [resumed.expired, ofLittleUse, `${resumed.ticket}x`];
  const keys = [`${tenant.apiKey}x`, other.apiKey, cast.removedKey, operator.adminKey, tenant.webhookToken, login.apiToken];
  const tryOut = async (secret: string): Promise<void> => {
    await call('GET', `/v1/sessions/${login.id}`, { secret, headers: { origin: 'https://elsewhere.example.com' } });
    await call('POST', '/v1/sessions', { secret, body: { password, [password]: password } });
    const socket = callers.webSocket(a.url, secret);
    const events = callers.events(b.url, secret);
    const socketIo = callers.socketIo(a.url, secret, ['websocket']);
    await Promise.all([socket.until('"type":"error"'), events.until('ended'), socketIo.until('connect_error')]);
  };
  await Promise.all([...tickets, ...keys].map(tryOut));
}

/** Sends malformed requests, and reads every list and document. */
export async function askForAnything(
  { call, callers, operator, receiver, accessLogs }: LeakStage,
  cast: Cast,
  { login, resumed }: Logins,
): Promise<void> {
  const { tenant, other, password } = cast;
  const { apiToken } = login;
  const good = { instanceId: '1101999002', apiToken };
  const mine = { secret: tenant.apiKey };
  const admin = { secret: operator.adminKey };
  const asked: readonly (readonly [method: string, path: string, options: CallOptions])[] = [
    ['POST', '/v1/sessions', { ...mine, body: { ...good, apiUrl: `https://1101.api.green-api.com/waInstance1/qr/${apiToken}` } }],
    ['POST', '/v1/sessions', { ...mine, body: { ...good, apiUrl: `https://user:${apiToken}@1101.api.green-api.com` } }],
    ['POST', '/v1/sessions', { ...mine, body: { ...good, returnUrl: `javascript:alert('${apiToken}')` } }],
    ['POST', '/v1/sessions', { ...mine, body: `{"apiToken":"${apiToken}` }],
    ['POST', '/v1/sessions', { ...mine, body: { instanceId: apiToken, apiToken: [apiToken], reference: password.repeat(9) } }],
    ['POST', '/v1/sessions/self/password', { secret: resumed.ticket, body: password }],
    ['POST', '/v1/sessions/self/password', { secret: resumed.ticket, body: { password } }],
    ['POST', '/v1/webhooks/green-api/acme', { secret: other.webhookToken, body: { token: tenant.webhookToken } }],
    ['POST', '/v1/webhooks/green-api/nobody', { secret: tenant.webhookToken, body: '{' }],
    ['POST', '/v1/webhooks/green-api/acme', { secret: tenant.webhookToken, body: `{"password":"${password}` }],
    ['PATCH', '/v1/admin/tenants/acme', { ...admin, body: { callback: { url: `${receiver.url}x?key=${apiToken}` }, key: tenant.apiKey } }],
    ['GET', '/v1/admin/tenants', mine],
    ['GET', '/v1/callbacks?limit=x', mine],
    ...['/v1/sessions', '/v1/callbacks', '/v1/audit'].map((path) => ['GET', path, mine] as const),
    ...['/v1/admin/tenants', '/v1/admin/tenants/acme', '/v1/admin/audit', '/v1/admin/sessions'].map(
      (path) => ['GET', path, admin] as const,
    ),
    ['GET', `/v1/sessions/${login.id}/timeline`, mine],
    ['GET', `/v1/admin/sessions/${login.id}/timeline`, admin],
    ...['/healthz', '/readyz', '/metrics', '/openapi.json', '/asyncapi.json', '/docs', '/connect'].map(
      (path) => ['GET', path, {}] as const,
    ),
  ];
  for (const [method, path, options] of asked) await call(method, path, options);
  const [{ url }] = accessLogs;
  const overviews = [callers.events(url, tenant.apiKey, '/v1/overview'), callers.events(url, operator.adminKey, '/v1/admin/overview')];
  for (const overview of overviews) await overview.until('"isFirst":true');
}

/** And comes back. */
export async function loseRedis(
  { call, operator, redisProxy, simulator, untilReady }: LeakStage,
  cast: Cast,
  logins: Logins,
): Promise<void> {
  const { apiKey, webhookToken } = cast.tenant;
  const { id, apiToken } = logins.login;
  redisProxy.refuse(true);
  redisProxy.cut();
  await Promise.all([
    call('GET', '/v1/sessions/self', { secret: logins.resumed.ticket }),
    call('GET', `/v1/sessions/${id}`, { secret: apiKey }),
    call('POST', '/v1/sessions', { secret: apiKey, body: { instanceId: '1101999003', apiToken, apiUrl: simulator.url } }),
    call('POST', '/v1/webhooks/green-api/acme', { secret: webhookToken, body: {} }),
    call('GET', `/v1/sessions/${id}/webhook`, { secret: apiKey }),
    call('POST', `/v1/sessions/${id}/webhook`, { secret: apiKey, body: { webhookToken } }),
    call('GET', '/v1/admin/tenants', { secret: operator.adminKey }),
    call('GET', '/readyz'),
  ]);
  redisProxy.refuse(false);
  await untilReady();
}

export async function endAll(
  { call, operator, receiver }: LeakStage,
  cast: Cast,
  logins: { resumed: Resumed; echoed: Login },
): Promise<void> {
  const { resumed, echoed } = logins;
  const secret = cast.tenant.apiKey;
  await call('DELETE', `/v1/tickets/${resumed.ticketId}`, { secret });
  await resumed.viewer.until('ticket_revoked');
  await call('DELETE', `/v1/sessions/${resumed.id}`, { secret });
  await call('DELETE', `/v1/sessions/${echoed.id}`, { secret });
  await call('DELETE', '/v1/admin/tenants/other', { secret: operator.adminKey });
  for (const { id } of [resumed, echoed]) await receiver.until(1, ({ body }) => body.includes('session.ended') && body.includes(id));
}

/** A process in which each secret setting is wrong. Resolves to its environment. */
export async function startWithFaults({ hunt, start, operator }: LeakStage, { apiToken }: Login): Promise<Environment> {
  const { adminKey, gatewayEnv, redisPassword, secretKeys } = operator;
  const short = adminKey.slice(0, 20);
  hunt.add('a key that is too short', short);
  const faults = {
    REDIS_URL: `https://user:${redisPassword}@redis.example.com`,
    QRCAST_SECRET_KEYS: `${secretKeys},k3:${short}`,
    QRCAST_ADMIN_KEY: short,
    QRCAST_UPSTREAM_HOSTS: `https://host.example.com/waInstance1/qr/${apiToken}`,
  };
  const env = { ...gatewayEnv, ...faults };
  const gateway = start('a gateway that cannot start', 'gateway', env);
  await gateway.until(/not usable(.|\n)+QRCAST_UPSTREAM_HOSTS/);
  await gateway.stop();
  return env;
}
