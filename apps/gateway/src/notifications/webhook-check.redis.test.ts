/**
 * The check whether an instance notifies us: with the real gateway and Redis, and the simulated
 * provider.
 */

import type { Webhook } from '@qrcast/core/webhook-check';
import type { ProviderSettings } from '@qrcast/simulator/settings';
import type { Simulator } from '@qrcast/simulator/simulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestGateway } from '../../test/gateway.ts';
import { ELSEWHERE, openTestWebhooks, PUBLIC_URL, refusedOf, type TestWebhooks, webhookPath } from '../../test/webhooks.ts';

let webhooks: TestWebhooks;
let simulator: Simulator;
let test: TestGateway;
let second: TestGateway;
beforeAll(async () => {
  webhooks = await openTestWebhooks();
  ({ simulator, test, second } = webhooks);
});
afterAll(() => webhooks.close());

const made: TestWebhooks['made'] = (...given) => webhooks.made(...given);
const check: TestWebhooks['check'] = (...given) => webhooks.check(...given);
const set: TestWebhooks['set'] = (...given) => webhooks.set(...given);
const ours: TestWebhooks['ours'] = (...given) => webhooks.ours(...given);
const rightSettings: TestWebhooks['rightSettings'] = () => webhooks.rightSettings();

describe('a check', () => {
  it('of right settings reports that they are set, and that no notification has come yet', async () => {
    const one = await made(rightSettings());
    const before = Date.now();
    const webhook = await check(one);
    expect(webhook).toMatchObject({ status: 'set', stateWebhook: 'on', url: 'matches', token: 'matches', expectedUrl: ours() });
    expect(webhook).toMatchObject({ instanceId: one.instance.idInstance, lastNotificationAt: null, codes: ['no_notification_yet'] });
    expect(Math.abs(webhook.checkedAt - before)).toBeLessThan(60_000);
    expect(one.instance.requests.map(({ method }) => method)).toEqual(['getSettings']);
    // A check is not a watch.
    expect((await test.node.sessions.find(one.id))?.state.kind).toBe('idle');
  });

  it.each<[string, Partial<ProviderSettings>, Partial<Webhook>, string[]]>([
    [
      'nothing set',
      {},
      { status: 'not_set', stateWebhook: 'off', url: 'missing', token: 'missing' },
      ['state_notifications_off', 'url_missing', 'token_missing'],
    ],
    [
      'state notifications off',
      { ...rights(), stateWebhook: 'no' },
      { status: 'not_set', stateWebhook: 'off' },
      ['state_notifications_off'],
    ],
    ['another address', { ...rights(), webhookUrl: ELSEWHERE }, { status: 'not_set', url: 'differs' }, ['url_differs']],
    ['another token', { ...rights(), webhookUrlToken: 'another-token' }, { status: 'not_set', token: 'differs' }, ['token_differs']],
    ['no token', { ...rights(), webhookUrlToken: ' ' }, { status: 'not_set', token: 'missing' }, ['token_missing']],
  ])('of an instance with %s', async (_name, settings, found, codes) => {
    expect(await check(await made(filled(settings)))).toMatchObject({ ...found, codes });
  });

  it.each([
    ['//', 'misspelled'],
    ['?a=b', 'misspelled'],
    ['x', 'differs'],
  ])('of our address with %s after it', async (tail, url) => {
    expect(await check(await made({ ...rightSettings(), webhookUrl: `${ours()}${tail}` }))).toMatchObject({ status: 'not_set', url });
  });

  it('accepts our address in capitals, with its port and a slash at the end, and a token after a scheme word', async () => {
    const webhookUrl = `${ours().replace(PUBLIC_URL, 'HTTPS://QRCAST.example.com:443')}/`;
    for (const scheme of ['Bearer', 'Basic', 'bearer ']) {
      const webhookUrlToken = `${scheme} ${test.tenant.webhookToken}`;
      expect(await check(await made({ ...rightSettings(), webhookUrl, webhookUrlToken }))).toMatchObject({ status: 'set' });
    }
  });

  it("of another tenant's token and address", async () => {
    const other = await test.newTenant();
    const one = await made({ stateWebhook: 'yes', webhookUrl: ours(other), webhookUrlToken: other.webhookToken });
    expect(await check(one)).toMatchObject({ url: 'differs', token: 'differs' });
  });

  it('by a gateway that does not know its address compares no address', async () => {
    const one = await made(rightSettings());
    expect(await check(one, second)).toMatchObject({
      status: 'unknown',
      url: 'unknown',
      token: 'matches',
      expectedUrl: null,
      codes: ['public_url_unknown'],
    });
  });

  it('reports when the last notification of any kind came', async () => {
    const one = await made(rightSettings());
    const notify = (body: object) =>
      test.call('POST', `/v1/webhooks/green-api/${test.tenant.id}`, { secret: test.tenant.webhookToken, body });
    const before = Date.now();
    await notify({ typeWebhook: 'incomingMessageReceived', instanceData: { idInstance: Number(one.instance.idInstance) } });
    const { lastNotificationAt, codes } = await check(one);
    expect(lastNotificationAt).toBeGreaterThan(before - 1_000);
    expect(lastNotificationAt).toBeLessThan(Date.now() + 1_000);
    expect(codes).toEqual([]);
    expect((await check(await made(rightSettings()))).lastNotificationAt).toBeNull(); // another instance
  });

  it.each([
    ['empty401', 'credentials_rejected'],
    ['html403', 'credentials_rejected'],
    ['html404', 'credentials_rejected'],
    ['html502', 'provider_error'],
    ['html504', 'provider_timeout'],
    ['notJson', 'provider_error'],
    ['truncatedJson', 'provider_error'],
    ['hugeBody', 'provider_error'],
    ['redirect', 'provider_error'],
    ['cut', 'provider_unreachable'],
    ['status429', 'rate_limited'],
    ['starting400', 'instance_starting'],
    ['nullState', 'instance_starting'],
    ['deleted400', 'instance_deleted'],
    ['expired400', 'instance_expired'],
  ] as const)('that the provider answers with %s is unknown: %s', async (fault, code) => {
    const one = await made(rightSettings());
    one.instance.fail('getSettings', fault);
    expect(await check(one)).toMatchObject({ status: 'unknown', url: 'unknown', codes: [code] });
  });

  it("obeys the provider's Retry-After, also in a second gateway", async () => {
    const one = await made(rightSettings());
    one.instance.fail('getSettings', 'status429', { retryAfter: 60 });
    for (const by of [test, second, test]) expect((await check(one, by)).codes[0]).toBe('rate_limited');
    expect(one.instance.requests).toHaveLength(1);
  });

  it('of a session that has ended for good reports the last notification without asking the provider', async () => {
    const one = await made(rightSettings());
    await test.call('DELETE', `/v1/sessions/${one.id}`);
    expect(await check(one)).toMatchObject({ status: 'unknown', codes: ['credentials_gone'] });
    expect(one.instance.requests).toEqual([]);
  });

  it('during an attempt is answered', async () => {
    const one = await made(rightSettings());
    await test.call('GET', `/v1/sessions/${one.id}`);
    expect((await check(one)).status).toBe('set');
  });

  it('asks the provider once a second, whichever gateways are asked', async () => {
    const one = await made(rightSettings());
    const answers = await Promise.all(
      [test, second, test, second].map((by) => by.call('GET', webhookPath(one.id), { secret: test.tenant.apiKey })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses.slice(0, 2)).toEqual([200, 200]);
    expect(answers.filter(({ status }) => status !== 200).map(refusedOf)).toEqual(
      statuses.filter((status) => status !== 200).map(() => [429, 'too_many_requests']),
    );
    // The provider answered no 429.
    expect(one.instance.requests.every(({ status }) => status === 200)).toBe(true);
  });

  it('is only for the tenant of the session, with its API key', async () => {
    const one = await made(rightSettings());
    const foreigner = await test.newTenant();
    for (const method of ['GET', 'POST']) {
      const body = method === 'GET' ? undefined : { webhookToken: test.tenant.webhookToken };
      const by = (secret: string) => test.call(method, webhookPath(one.id), { secret, body });
      expect(refusedOf(await by(foreigner.apiKey))).toEqual([404, 'not_found']);
      expect(refusedOf(await by(one.ticket))).toEqual([403, 'forbidden']);
      expect(refusedOf(await by((await made()).ticket))).toEqual([404, 'not_found']);
      expect(refusedOf(await test.call(method, webhookPath('self'), { secret: test.tenant.apiKey, body }))).toEqual([404, 'not_found']);
    }
    expect(one.instance.requests).toEqual([]);
  });

  it('of a suspended tenant is refused', async () => {
    const tenant = await test.newTenant();
    const instance = simulator.createInstance();
    const fields = { instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url };
    const { session } = await test.create(fields, tenant);
    await test.gateway.tenants.patch(tenant.id, { suspended: true });
    expect(refusedOf(await test.call('GET', webhookPath(session.id), { secret: tenant.apiKey }))).toEqual([403, 'forbidden']);
  });

  it('sends no token to a host that was removed from a list', async () => {
    const one = await made(rightSettings());
    await test.gateway.tenants.patch(test.tenant.id, { upstreamHosts: ['*.api.green-api.com'] });
    expect(refusedOf(await test.call('GET', webhookPath(one.id)))).toEqual([403, 'upstream_not_allowed']);
    expect(refusedOf(await set(one))).toEqual([403, 'upstream_not_allowed']);
    await test.gateway.tenants.patch(test.tenant.id, { upstreamHosts: null });
    expect(one.instance.requests).toEqual([]);
  });
});

/** For tables of tests, which are evaluated before the tenant is created. */
function rights(): Partial<ProviderSettings> {
  return { stateWebhook: 'yes', webhookUrl: 'OURS', webhookUrlToken: 'TOKEN' };
}

function filled(settings: Partial<ProviderSettings>): Partial<ProviderSettings> {
  const { webhookUrl, webhookUrlToken } = settings;
  return {
    ...settings,
    ...(webhookUrl === 'OURS' ? { webhookUrl: ours() } : {}),
    ...(webhookUrlToken === 'TOKEN' ? { webhookUrlToken: test.tenant.webhookToken } : {}),
  };
}
