/** For tests: the answers of the OpenAPI document that need a set-up of their own. */

import { settingsLockKey } from '@qrcast/runtime/redis/keys';
import type { Bring, ContractCalls } from './contract-calls.ts';
import type { ContractGateways } from './contract-gateways.ts';
import type { Operation } from './contract-operations.ts';
import { ADMIN_KEY, type Answer, imageOf, newInstance, type TestGateway } from './gateway.ts';

type Answers = Readonly<Record<string, Bring>>;

const STATE_CHANGED = { typeWebhook: 'stateInstanceChanged', instanceData: { idInstance: 1 }, timestamp: 1, stateInstance: 'authorized' };

/** By the promise: `operation status` or `operation status code`. */
export function contractAnswers(gateways: ContractGateways, calls: ContractCalls): Answers {
  return {
    ...sessionAnswers(gateways, calls),
    ...passwordAnswers(gateways, calls),
    ...webhookAnswers(gateways, calls),
    ...otherAnswers(gateways, calls),
  };
}

function sessionAnswers({ apiUrl, test }: ContractGateways, { call, create }: ContractCalls): Answers {
  async function showCode(operation: Operation): Promise<Answer> {
    const { session } = await create();
    await test.call('GET', `/v1/sessions/${session.id}`);
    await test.answer(session.id, { kind: 'code', digest: 'one', image: imageOf('iVBORw0KGgo='), text: 'https://example.com/:auth/1' });
    return call(operation, {}, session.id);
  }

  return {
    'createSession 201': (operation) => call(operation, { body: { ...newInstance(), apiUrl } }),
    async 'createSession 200'(operation) {
      const body = { ...newInstance(), apiUrl };
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
  };
}

function passwordAnswers({ providerSays, strict, test }: ContractGateways, { call, waitingForPassword }: ContractCalls): Answers {
  const fail = (reason: string) => ({ status: true, data: { status: 'fail', reason } });

  /** Produces the answer to a password, by what the provider says to it. */
  async function password(operation: Operation, answer: unknown): Promise<Answer> {
    providerSays(answer);
    return call(operation, { body: { password: 'correct horse' } }, await waitingForPassword());
  }

  return {
    'sendPassword 200': (operation) => password(operation, { status: true, data: { status: 'success', reason: '' } }),
    'sendPassword 422 password_rejected': (operation) => password(operation, fail('invalid_password')),
    'sendPassword 429 too_many_requests': (operation) => password(operation, fail('rate_limit_exceeded')),
    'sendPassword 409 not_waiting_for_password': (operation) => call(operation, { body: { password: 'correct horse' } }),
    'sendPassword 403 upstream_not_allowed': async (operation) =>
      call(operation, { body: { password: 'correct horse' }, secret: test.tenant.apiKey }, await waitingForPassword(), strict),
    'startOver 200': async (operation) => {
      providerSays({ stateInstance: 'notAuthorized' });
      return call(operation, {}, await waitingForPassword());
    },
    'startOver 409 not_waiting_for_password': (operation) => call(operation),
    'startOver 403 upstream_not_allowed': async (operation) =>
      call(operation, { secret: test.tenant.apiKey }, await waitingForPassword(), strict),
  };
}

function webhookAnswers(
  { known, providerSays, strict, test }: ContractGateways,
  { call, create, waitingForPassword }: ContractCalls,
): Answers {
  /** The provider gives getSettings and setSettings the same answer. */
  async function setWebhook(operation: Operation, by: TestGateway, answer: unknown): Promise<Answer> {
    providerSays(answer);
    const { session } = await create();
    return call(operation, { body: { webhookToken: test.tenant.webhookToken } }, session.id, by);
  }

  return {
    'checkWebhook 403 upstream_not_allowed': async (operation) => call(operation, {}, (await create()).session.id, strict),
    'setWebhook 200': (operation) => setWebhook(operation, known, { stateWebhook: 'no', webhookUrl: '', saveSettings: true }),
    async 'setWebhook 403 upstream_not_allowed'(operation) {
      const { session } = await create();
      await test.gateway.tenants.patch(test.tenant.id, { upstreamHosts: ['*.example.com'] });
      const answer = await call(operation, { body: { webhookToken: test.tenant.webhookToken } }, session.id, known);
      await test.gateway.tenants.patch(test.tenant.id, { upstreamHosts: null });
      return answer;
    },
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
  };
}

function otherAnswers({ known, leaving, stranded, test }: ContractGateways, { call }: ContractCalls): Answers {
  return {
    'home 404 not_found': () => test.call('GET', '/', { secret: null, headers: { accept: 'application/json' } }),
    'console 200': (operation) => call(operation, {}, 'none', known),
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
}
