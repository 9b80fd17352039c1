/**
 * Making an instance notify us: with the real gateway and Redis, and the simulated provider with
 * its real limits.
 */

import type { AuditEntry } from '@qrcast/core/audit';
import { createInstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import type { Simulator } from '@qrcast/simulator/simulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestGateway } from '../../test/gateway.ts';
import { ELSEWHERE, openTestWebhooks, refusedOf, sent, type TestWebhooks, webhookPath } from '../../test/webhooks.ts';

let webhooks: TestWebhooks;
let simulator: Simulator;
let late: Simulator;
let test: TestGateway;
let second: TestGateway;
let patient: TestGateway;
beforeAll(async () => {
  webhooks = await openTestWebhooks();
  ({ simulator, late, test, second, patient } = webhooks);
});
afterAll(() => webhooks.close());

const made: TestWebhooks['made'] = (...given) => webhooks.made(...given);
const check: TestWebhooks['check'] = (...given) => webhooks.check(...given);
const set: TestWebhooks['set'] = (...given) => webhooks.set(...given);
const answered: TestWebhooks['answered'] = (...given) => webhooks.answered(...given);
const ours: TestWebhooks['ours'] = (...given) => webhooks.ours(...given);
const rightSettings: TestWebhooks['rightSettings'] = () => webhooks.rightSettings();
const expectNoSecret: TestWebhooks['expectNoSecret'] = (text) => webhooks.expectNoSecret(text);

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

  it('sends nothing if they are right already', async () => {
    const one = await made(rightSettings());
    expect(answered(await set(one))).toMatchObject({ applied: true, restarted: false, webhook: { status: 'set' } });
    expect(sent(one)).toBe(0);
  });

  it('replaces a misspelled address of ours, and any other only with replaceUrl', async () => {
    const misspelled = await made({ ...rightSettings(), webhookUrl: `${ours()}//` });
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

  it('reports settings that the provider claims to have saved but did not, and does not retry', async () => {
    const one = await made();
    one.instance.fail('setSettings', 'savedNothing');
    const { applied, restarted, codes, webhook } = answered(await set(one));
    expect({ applied, restarted, status: webhook.status }).toEqual({ applied: false, restarted: true, status: 'not_set' });
    expect(codes).toEqual(['not_applied', 'state_notifications_off', 'url_missing', 'token_missing']);
    expect(sent(one)).toBe(1);
    expect(one.instance.requests.every(({ status }) => status === 200)).toBe(true);
    expect(one.instance.requests.filter(({ method }) => method === 'reboot')).toEqual([]);
  });

  it('waits for settings that change late', async () => {
    const one = await made({}, late);
    expect(answered(await set(one, {}, patient))).toMatchObject({ applied: true, restarted: true });
    expect(sent(one)).toBe(1);
  });

  it('is unknown if they cannot be read back', async () => {
    const one = await made();
    one.instance.fail('getSettings', 'notJson'); // for the first request of the second call below
    expect(refusedOf(await set(one))).toEqual([503, 'unavailable']);
    expect(sent(one)).toBe(0);

    const setting = set(one);
    await one.instance.untilRequests(1, 'setSettings');
    one.instance.fail('getSettings', 'starting400', { times: 'always' });
    const { applied, codes } = answered(await setting);
    expect({ applied, codes }).toEqual({ applied: 'unknown', codes: ['instance_starting'] });
    expect(sent(one)).toBe(1);
  });

  it('is confirmed by reading if the answer is lost', async () => {
    for (const fault of ['cutMidBody', 'html504'] as const) {
      const one = await made();
      one.instance.fail('setSettings', fault);
      const { applied } = answered(await set(one));
      expect(applied).toBe(fault === 'cutMidBody'); // this one was carried out, the other was not
      expect(sent(one)).toBe(1);
    }
  });

  it.each(['empty401', 'html404', 'status429', 'starting400', 'saveRefused'] as const)(
    'that the provider refuses with %s is unavailable, and nothing is read back',
    async (fault) => {
      const one = await made();
      one.instance.fail('setSettings', fault, { retryAfter: 30 });
      const refused = await set(one);
      expect(refusedOf(refused)).toEqual([503, 'unavailable']);
      expect(refused.headers.get('retry-after')).toBe(fault === 'status429' ? '30' : '2');
      expect(one.instance.requests.map(({ method }) => method)).toEqual(['getSettings', 'setSettings']);
    },
  );

  it('with a token that is not the tenant’s is refused without repeating the token', async () => {
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
  ])('with a wrong body is refused (%#)', async (body) => {
    const one = await made();
    expect(refusedOf(await test.call('POST', webhookPath(one.id), { body }))).toEqual([400, 'invalid_request']);
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

  it('is refused while another tenant logs in to the same instance', async () => {
    const one = await made();
    const { instance } = one;
    const other = await test.newTenant();
    const fields = { instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url };
    const { session } = await test.create(fields, other);
    await test.call('GET', `/v1/sessions/${session.id}`, { secret: other.apiKey });
    const refused = await set(one);
    expect(refusedOf(refused)).toEqual([409, 'attempt_live']);
    for (const part of [session.id, other.id]) expect(refused.text).not.toContain(part);
    await test.call('DELETE', `/v1/sessions/${session.id}`, { secret: other.apiKey });
    expect(answered(await set(one)).applied).toBe(true);
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

  it('is done once if it is called twice at once', async () => {
    const one = await made();
    const answers = await Promise.all([set(one), set(one), set(one)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(refused?.body).toMatchObject({ code: 'webhook_busy', retryable: true });
    expect(sent(one)).toBe(1);
    let again = await set(one); // the lock is free again
    while (again.status === 503) again = await set(one); // a slow machine asks the provider within the same second
    expect(answered(again)).toMatchObject({ applied: true, restarted: false });
  });

  it('does not refuse an attempt that begins in the meantime: it waits for the request, and is then polled', async () => {
    const one = await made();
    one.instance.fail('setSettings', 'hang', { ms: 2_000 });
    const setting = set(one);
    await one.instance.untilRequests(1, 'setSettings');
    const { instanceKey = '' } = (await test.node.sessions.find(one.id)) ?? {};
    const holds = createInstanceHolds({ ...test.node, namespace: test.namespace });
    const held = await holds.take(instanceKey); // as the claim of a poll does
    // And not only because of the spacing.
    expect(held.kind === 'busy' && held.freeInMs > 1_100).toBe(true);
    const read = await test.call('GET', `/v1/sessions/${one.id}`);
    expect(read.body.session).toMatchObject({ state: 'waiting', notice: null });
    expect(answered(await setting).applied).toBe(true);
    expect(await test.isQueued(one.id)).toBe(true);
  });

  it('is recorded in the audit log with its outcome, unlike a check', async () => {
    const one = await made();
    await check(one);
    one.instance.fail('setSettings', 'savedNothing');
    await set(one);
    await set(one);
    await set(one); // already right
    const entries = await auditOf(one.id, 3);
    expect(entries.map(({ action, outcome, actor, instanceId }) => [action, outcome, actor.kind, instanceId])).toEqual([
      ['session.created', 'ok', 'key', one.instance.idInstance],
      ['webhook.set', 'not_applied', 'key', one.instance.idInstance],
      ['webhook.set', 'ok', 'key', one.instance.idInstance],
    ]);
    expectNoSecret(JSON.stringify(entries));
  });
});

/** Oldest first, once there are that many: the answer does not wait for them. */
async function auditOf(sessionId: string, count: number): Promise<readonly AuditEntry[]> {
  for (;;) {
    const { text } = await test.call('GET', `/v1/audit?sessionId=${sessionId}`);
    const { entries } = JSON.parse(text) as { entries: readonly AuditEntry[] };
    if (entries.length >= count) return entries.toReversed();
  }
}
