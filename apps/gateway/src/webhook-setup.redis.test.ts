/** Whether an instance notifies us, and having it set: the real gateway and Redis, and the simulated provider with its real limits. */

import type { AuditEntry } from '@qrcast/core/audit';
import type { SetWebhookAnswer, Webhook } from '@qrcast/core/webhook-check';
import type { Instance } from '@qrcast/simulator/instance';
import type { ProviderSettings } from '@qrcast/simulator/settings';
import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, openTestGateway, type TestGateway, type TestTenant } from './test-gateway.ts';

const PUBLIC_URL = 'https://qrcast.example.com';
const ELSEWHERE = 'https://elsewhere.example.com/hook';

let simulator: Simulator;
/** Shows settings late. */
let late: Simulator;
let test: TestGateway;
/** Another gateway of the same installation, which does not know where it is reached. */
let second: TestGateway;
/** Reads back as long as a gateway does by default. */
let patient: TestGateway;
beforeAll(async () => {
  simulator = await openSimulator({ startingMs: 100, webhookRetryMs: 600_000 });
  late = await openSimulator({ startingMs: 100, webhookRetryMs: 600_000, settingsMs: 1_500 });
  const upstreamHosts = [simulator.url, late.url];
  test = await openTestGateway({ publicUrl: PUBLIC_URL, upstreamHosts, settingsReadBackMs: 4_000 });
  second = await openTestGateway({ namespace: test.namespace, upstreamHosts });
  patient = await openTestGateway({ namespace: test.namespace, publicUrl: PUBLIC_URL, upstreamHosts });
});
afterAll(async () => {
  await Promise.all([test, second, patient].map((gateway) => gateway.close()));
  await Promise.all([simulator.close(), late.close()]);
});

const ours = (tenant: TestTenant = test.tenant): string => `${PUBLIC_URL}/v1/webhooks/green-api/${tenant.id}`;

const rightSettings = (): Partial<ProviderSettings> => ({
  stateWebhook: 'yes',
  webhookUrl: ours(),
  webhookUrlToken: test.tenant.webhookToken,
});

interface Made {
  readonly instance: Instance;
  readonly id: string;
  readonly ticket: string;
}

/** A session nobody watches, of an instance with these settings. */
async function made(settings: Partial<ProviderSettings> = {}, at = simulator): Promise<Made> {
  const instance = at.createInstance();
  instance.changeSettings(settings);
  const { session, ticket } = await test.create({ instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: at.url });
  return { instance, id: session.id, ticket };
}

const path = (id: string): string => `/v1/sessions/${id}/webhook`;

async function check({ id }: Pick<Made, 'id'>, by = test): Promise<Webhook & { codes: string[] }> {
  const { status, text } = await by.call('GET', path(id), { secret: test.tenant.apiKey });
  expect([status, text]).toEqual([200, expect.any(String)]);
  expectNoSecret(text);
  const { webhook } = JSON.parse(text) as { webhook: Webhook };
  return { ...webhook, codes: webhook.findings.map(({ code }) => code) };
}

function set({ id }: Pick<Made, 'id'>, body: object = {}, by = test): Promise<Answer> {
  return by.call('POST', path(id), { secret: test.tenant.apiKey, body: { webhookToken: test.tenant.webhookToken, ...body } });
}

function answered({ status, text }: Answer): SetWebhookAnswer & { codes: string[] } {
  expect([status, text]).toEqual([200, expect.any(String)]);
  expectNoSecret(text);
  const answer = JSON.parse(text) as SetWebhookAnswer;
  return { ...answer, codes: answer.webhook.findings.map(({ code }) => code) };
}

function expectNoSecret(text: string): void {
  for (const secret of [test.tenant.webhookToken, 'wt_', 'elsewhere', 'another-token', simulator.url]) expect(text).not.toContain(secret);
}

const sent = ({ instance }: Made): number => instance.requests.filter(({ method }) => method === 'setSettings').length;
const refusedOf = ({ status, body }: Answer) => [status, body.code];

describe('a check', () => {
  it('of right settings finds that they are set, and that nothing came yet', async () => {
    const one = await made(rightSettings());
    const before = Date.now();
    const webhook = await check(one);
    expect(webhook).toMatchObject({ status: 'set', stateWebhook: 'on', url: 'matches', token: 'matches', expectedUrl: ours() });
    expect(webhook).toMatchObject({ instanceId: one.instance.idInstance, lastNotificationAt: null, codes: ['no_notification_yet'] });
    expect(Math.abs(webhook.checkedAt - before)).toBeLessThan(60_000);
    expect(one.instance.requests.map(({ method }) => method)).toEqual(['getSettings']);
    expect((await test.node.sessions.find(one.id))?.state.kind).toBe('idle'); // it is no watching
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
    ['/', 'misspelled'],
    ['?a=b', 'misspelled'],
    ['x', 'differs'],
  ])('of our address with %s behind it', async (tail, url) => {
    expect(await check(await made({ ...rightSettings(), webhookUrl: `${ours()}${tail}` }))).toMatchObject({ status: 'not_set', url });
  });

  it('takes our address in capitals and with its port, and a token behind a scheme word', async () => {
    const webhookUrl = ours().replace(PUBLIC_URL, 'HTTPS://QRCAST.example.com:443');
    for (const scheme of ['Bearer', 'Basic', 'bearer ']) {
      const webhookUrlToken = `${scheme} ${test.tenant.webhookToken}`;
      expect(await check(await made({ ...rightSettings(), webhookUrl, webhookUrlToken }))).toMatchObject({ status: 'set' });
    }
  });

  it("of another tenant's token and address", async () => {
    const { webhookToken, ...other } = await test.newTenant();
    const one = await made({ stateWebhook: 'yes', webhookUrl: ours({ webhookToken, ...other }), webhookUrlToken: webhookToken });
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

  it('tells when the last notification came, of whatever kind', async () => {
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

  it("keeps the provider's Retry-After, also a second gateway", async () => {
    const one = await made(rightSettings());
    one.instance.fail('getSettings', 'status429', { retryAfter: 60 });
    for (const by of [test, second, test]) expect((await check(one, by)).codes[0]).toBe('rate_limited');
    expect(one.instance.requests).toHaveLength(1);
  });

  it('of a session that has ended for good still tells of notifications, and asks nobody', async () => {
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
      [test, second, test, second].map((by) => by.call('GET', path(one.id), { secret: test.tenant.apiKey })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses.slice(0, 2)).toEqual([200, 200]);
    expect(answers.filter(({ status }) => status !== 200).map(refusedOf)).toEqual(
      statuses.filter((status) => status !== 200).map(() => [429, 'too_many_requests']),
    );
    expect(one.instance.requests.every(({ status }) => status === 200)).toBe(true); // no 429 of the provider
  });

  it('is for the tenant whose session it is alone, by its API key', async () => {
    const one = await made(rightSettings());
    const foreigner = await test.newTenant();
    for (const method of ['GET', 'POST']) {
      const body = method === 'GET' ? undefined : { webhookToken: test.tenant.webhookToken };
      const by = (secret: string) => test.call(method, path(one.id), { secret, body });
      expect(refusedOf(await by(foreigner.apiKey))).toEqual([404, 'not_found']);
      expect(refusedOf(await by(one.ticket))).toEqual([403, 'forbidden']);
      expect(refusedOf(await by((await made()).ticket))).toEqual([404, 'not_found']);
      expect(refusedOf(await test.call(method, path('self'), { secret: test.tenant.apiKey, body }))).toEqual([404, 'not_found']);
    }
    expect(one.instance.requests).toEqual([]);
  });

  it('of a suspended tenant is refused', async () => {
    const tenant = await test.newTenant();
    const instance = simulator.createInstance();
    const fields = { instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url };
    const { session } = await test.create(fields, tenant);
    await test.gateway.tenants.patch(tenant.id, { suspended: true });
    expect(refusedOf(await test.call('GET', path(session.id), { secret: tenant.apiKey }))).toEqual([403, 'forbidden']);
  });

  it('sends no token to a host that has left a list', async () => {
    const one = await made(rightSettings());
    await test.gateway.tenants.patch(test.tenant.id, { upstreamHosts: ['*.api.green-api.com'] });
    expect(refusedOf(await test.call('GET', path(one.id)))).toEqual([403, 'upstream_not_allowed']);
    expect(refusedOf(await set(one))).toEqual([403, 'upstream_not_allowed']);
    await test.gateway.tenants.patch(test.tenant.id, { upstreamHosts: null });
    expect(one.instance.requests).toEqual([]);
  });
});

describe('setting it', () => {
  it('sets the three settings once, leaves the others, and reads them back', async () => {
    const one = await made({ incomingWebhook: 'yes', delaySendMessagesMilliseconds: 777 });
    const { applied, restarted, webhook } = answered(await set(one));
    expect({ applied, restarted, status: webhook.status }).toEqual({ applied: true, restarted: true, status: 'set' });
    expect(one.instance.settings).toMatchObject({ ...rightSettings(), incomingWebhook: 'yes', delaySendMessagesMilliseconds: 777 });
    expect(one.instance.requests.map(({ method, status }) => [method, status])).toEqual([
      ['getSettings', 200],
      ['setSettings', 200],
      ['getSettings', 200],
    ]);
    const { webhookUrlToken } = one.instance.settings;
    const authorization = `Bearer ${webhookUrlToken}`;
    const notified = await test.call('POST', new URL(one.instance.settings.webhookUrl).pathname, {
      secret: null,
      headers: { authorization },
      body: { typeWebhook: 'stateInstanceChanged', instanceData: { idInstance: Number(one.instance.idInstance) } },
    });
    expect(notified.status).toBe(200);
  });

  it('sends nothing where they are right already', async () => {
    const one = await made(rightSettings());
    expect(answered(await set(one))).toMatchObject({ applied: true, restarted: false, webhook: { status: 'set' } });
    expect(sent(one)).toBe(0);
  });

  it('replaces a misspelled address of ours, and another one only when told to', async () => {
    const misspelled = await made({ ...rightSettings(), webhookUrl: `${ours()}/` });
    expect(answered(await set(misspelled))).toMatchObject({ applied: true, restarted: true });

    const one = await made({ webhookUrl: ELSEWHERE, webhookUrlToken: 'another-token', stateWebhook: 'yes' });
    for (const body of [{}, { replaceUrl: false }]) {
      const refused = await set(one, body);
      expect(refusedOf(refused)).toEqual([409, 'webhook_url_differs']);
      expect(refused.body.detail).toContain('"replaceUrl": true');
      expectNoSecret(refused.text);
    }
    expect(sent(one)).toBe(0);
    expect(answered(await set(one, { replaceUrl: true }))).toMatchObject({ applied: true, restarted: true });
    expect(one.instance.settings.webhookUrl).toBe(ours());
  });

  it('tells that settings which are said to be saved are not, and does not try again', async () => {
    const one = await made();
    one.instance.fail('setSettings', 'savedNothing');
    const { applied, restarted, codes, webhook } = answered(await set(one));
    expect({ applied, restarted, status: webhook.status }).toEqual({ applied: false, restarted: true, status: 'not_set' });
    expect(codes).toEqual(['not_applied', 'state_notifications_off', 'url_missing', 'token_missing']);
    expect(sent(one)).toBe(1);
    expect(one.instance.requests.every(({ status }) => status === 200)).toBe(true);
    expect(one.instance.requests.filter(({ method }) => method === 'reboot')).toEqual([]);
  });

  it('waits for settings that are shown late', async () => {
    const one = await made({}, late);
    expect(answered(await set(one, {}, patient))).toMatchObject({ applied: true, restarted: true });
    expect(sent(one)).toBe(1);
  });

  it('that cannot be read back is unknown', async () => {
    const one = await made();
    one.instance.fail('getSettings', 'notJson'); // the first question of the second call below
    expect(refusedOf(await set(one))).toEqual([503, 'unavailable']);
    expect(sent(one)).toBe(0);

    const setting = set(one);
    await one.instance.untilRequests(1, 'setSettings');
    one.instance.fail('getSettings', 'starting400', { times: 'always' });
    const { applied, codes } = answered(await setting);
    expect({ applied, codes }).toEqual({ applied: 'unknown', codes: ['instance_starting'] });
    expect(sent(one)).toBe(1);
  });

  it('whose answer is lost is proved by reading', async () => {
    for (const fault of ['cutMidBody', 'html504'] as const) {
      const one = await made();
      one.instance.fail('setSettings', fault);
      const { applied } = answered(await set(one));
      expect(applied).toBe(fault === 'cutMidBody'); // it was carried out; the other one was not
      expect(sent(one)).toBe(1);
    }
  });

  it.each(['empty401', 'html404', 'status429', 'starting400', 'saveRefused'] as const)(
    'that the provider refuses with %s is unavailable, and proved by nobody',
    async (fault) => {
      const one = await made();
      one.instance.fail('setSettings', fault, { retryAfter: 30 });
      const refused = await set(one);
      expect(refusedOf(refused)).toEqual([503, 'unavailable']);
      expect(refused.headers.get('retry-after')).toBe(fault === 'status429' ? '30' : '2');
      expect(one.instance.requests.map(({ method }) => method)).toEqual(['getSettings', 'setSettings']);
    },
  );

  it('with a token that is not the tenant’s is refused, and the token not told', async () => {
    const one = await made();
    const foreigner = await test.newTenant();
    for (const webhookToken of [foreigner.webhookToken, `Bearer ${test.tenant.webhookToken}`, 'another-token']) {
      const refused = await set(one, { webhookToken });
      expect(refusedOf(refused)).toEqual([400, 'invalid_request']);
      expect(refused.text).toContain('webhookToken: expected the webhook token of this tenant');
      expect(refused.text).not.toContain(webhookToken);
    }
    expect(one.instance.requests).toEqual([]);
  });

  it.each([
    {},
    { webhookToken: '' },
    { webhookToken: 7 },
    { webhookToken: 'x'.repeat(300) },
    { webhookToken: 'x', replaceUrl: 'yes' },
    { webhookToken: 'x', url: 'y' },
  ])('with a body at fault is refused (%#)', async (body) => {
    const one = await made();
    expect(refusedOf(await test.call('POST', path(one.id), { body }))).toEqual([400, 'invalid_request']);
  });

  it('is refused while an attempt is under way, of this session or of the newer one of its instance', async () => {
    const one = await made();
    await test.call('GET', `/v1/sessions/${one.id}`); // somebody watches
    expect(refusedOf(await set(one))).toEqual([409, 'attempt_live']);
    await test.passDeadline(one.id);
    const { instance } = one;
    const newer = await test.create({ instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url });
    await test.call('GET', `/v1/sessions/${newer.session.id}`);
    expect(newer.session.id).not.toBe(one.id);
    expect(refusedOf(await set(one))).toEqual([409, 'attempt_live']);
    await test.call('DELETE', `/v1/sessions/${newer.session.id}`);
    expect(answered(await set(one)).applied).toBe(true); // after the attempt, which could be resumed
  });

  it('is refused once the session has ended for good', async () => {
    const one = await made();
    await test.call('DELETE', `/v1/sessions/${one.id}`);
    expect(refusedOf(await set(one))).toEqual([409, 'credentials_gone']);
    expect(one.instance.requests).toEqual([]);
  });

  it('is refused by a gateway that does not know its address', async () => {
    const one = await made();
    expect(refusedOf(await set(one, {}, second))).toEqual([409, 'public_url_unknown']);
  });

  it('twice at once is done once', async () => {
    const one = await made();
    const answers = await Promise.all([set(one), set(one), set(one)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(refused?.body).toMatchObject({ code: 'webhook_busy', retryable: true });
    expect(sent(one)).toBe(1);
    expect(answered(await set(one))).toMatchObject({ applied: true, restarted: false }); // the lock is free again
  });

  it('an attempt that begins meanwhile is not refused, and polled afterwards', async () => {
    const one = await made();
    const setting = set(one);
    await one.instance.untilRequests(1, 'setSettings');
    const read = await test.call('GET', `/v1/sessions/${one.id}`);
    expect(read.body.session).toMatchObject({ state: 'waiting', notice: null });
    expect(answered(await setting).applied).toBe(true);
    expect(await test.isQueued(one.id)).toBe(true);
  });

  it('goes into the audit log with what came of it, and a check does not', async () => {
    const one = await made();
    await check(one);
    one.instance.fail('setSettings', 'savedNothing');
    await set(one);
    await set(one);
    await set(one); // right already
    const entries = await auditOf(one.id, 3);
    expect(entries.map(({ action, outcome, actor, instanceId }) => [action, outcome, actor.kind, instanceId])).toEqual([
      ['session.created', 'ok', 'key', one.instance.idInstance],
      ['webhook.set', 'not_applied', 'key', one.instance.idInstance],
      ['webhook.set', 'ok', 'key', one.instance.idInstance],
    ]);
    expectNoSecret(JSON.stringify(entries));
  });
});

/** Oldest first, once there are as many: they are written beside the answer. */
async function auditOf(sessionId: string, count: number): Promise<readonly AuditEntry[]> {
  for (;;) {
    const { text } = await test.call('GET', `/v1/audit?sessionId=${sessionId}`);
    const { entries } = JSON.parse(text) as { entries: readonly AuditEntry[] };
    if (entries.length >= count) return entries.toReversed();
  }
}

/** For tables, which are made before the tenant is. */
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
