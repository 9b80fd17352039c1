/** For tests: the refusals of the OpenAPI document that every operation gives for the same reason. */

import { liveSessionsKey } from '@qrcast/runtime/redis/keys';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import type { Bring, ContractCalls } from './contract-calls.ts';
import type { ContractGateways } from './contract-gateways.ts';
import { type Operation, pathOf } from './contract-operations.ts';
import { type Answer, newInstance, type TestGateway } from './gateway.ts';
import { sendRaw, statuses } from './raw-http.ts';

/** By their code. */
export function contractRefusals(gateways: ContractGateways, calls: ContractCalls): Readonly<Record<string, Bring>> {
  return {
    ...ofTheCaller(gateways, calls),
    ...ofTheRequest(gateways, calls),
    ...ofTheSession(gateways, calls),
    ...ofLimits(gateways, calls),
    ...ofTheGateway(gateways, calls),
  };
}

function ofTheCaller({ test }: ContractGateways, { call, create }: ContractCalls): Readonly<Record<string, Bring>> {
  return {
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
  };
}

function ofTheRequest({ test }: ContractGateways, calls: ContractCalls): Readonly<Record<string, Bring>> {
  const { call } = calls;
  return {
    invalid_request(operation) {
      // It accepts every body.
      if (operation.credential === 'webhookToken') return authorizedTwice(test, calls, operation);
      return operation.method === 'GET' ? withSecretInUrl(test, calls, operation) : call(operation, { body: '{"no json' });
    },
    unsupported_media_type: (operation) =>
      call(operation, { body: '{}', headers: { 'content-type': 'application/json; charset=windows-1251' } }),
    body_too_large: (operation) => call(operation, { body: `"${'x'.repeat(5 * 1024 * 1024)}"` }),
  };
}

function ofTheSession({ test }: ContractGateways, calls: ContractCalls): Readonly<Record<string, Bring>> {
  const { call } = calls;
  return {
    not_found: (operation) =>
      operation.credential === 'webhookToken' // a missing tenant is answered 401
        ? withSecretInUrl(test, calls, operation)
        : call(operation, operation.method === 'PATCH' ? { body: {} } : {}, 'none'),
    async session_expired(operation) {
      const past = Date.now() - 60_000;
      const gone = sampleSession({ tenantId: test.tenant.id, expiresAt: past + 30_000 }, past);
      await test.node.sessions.create(gone, '');
      return call(operation, {}, gone.id);
    },
    no_code: (operation) => call(operation),
  };
}

function ofLimits({ test, guarded, apiUrl }: ContractGateways, { call }: ContractCalls): Readonly<Record<string, Bring>> {
  return {
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
      const { session } = await test.create({ apiUrl }, tenant);
      if (operation.id === 'resumeSession') {
        await test.passDeadline(session.id);
        // As if a gateway had seen it end.
        await test.node.redis.del(liveSessionsKey(test.namespace, tenant.id));
      }
      await test.gateway.tenants.patch(tenant.id, { limits: { sessions: 0, viewers: 0 } });
      const body = operation.id === 'createSession' ? { ...newInstance(), apiUrl } : undefined;
      const wait = operation.id === 'readSession' ? '?wait=1' : '';
      const headers = { 'if-none-match': `"${session.version}"` };
      return test.call(operation.method, `${pathOf(operation, session.id)}${wait}`, { secret: tenant.apiKey, body, headers });
    },
  };
}

function ofTheGateway({ leaving, stranded }: ContractGateways, { call }: ContractCalls): Readonly<Record<string, Bring>> {
  return {
    unavailable: (operation) =>
      operation.credential === 'webhookToken'
        ? call(operation, { secret: stranded.tenant.webhookToken, body: {} }, stranded.tenant.id, stranded)
        : call(operation, {}, 'self', leaving),
  };
}

async function withSecretInUrl(test: TestGateway, { idFor, secretOf }: ContractCalls, operation: Operation): Promise<Answer> {
  return test.call(operation.method, `${pathOf(operation, await idFor(operation))}?ticket=in-the-url`, { secret: secretOf(operation) });
}

/** A request that no client library would send. */
async function authorizedTwice(test: TestGateway, { idFor, secretOf }: ContractCalls, operation: Operation): Promise<Answer> {
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
