import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { passwordRateKey, passwordTriesKey } from '@qrcast/runtime/redis/keys';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Body, newInstance, openTestGateway, type TestGateway } from '../../test/gateway.ts';

/**
 * The provider. It answers 429 as often as `tooSoon` says, and then to every password what `says`
 * holds.
 */
let provider: Server;
const asked: { path: string; body: string }[] = [];
let says: unknown = null;
let tooSoon = { times: 0, headers: {} };
let test: TestGateway;
/** Another gateway of the same installation. */
let second: TestGateway;

const FAIL = (reason: string) => ({ status: true, data: { status: 'fail', reason } });
const SUCCESS = { status: true, data: { status: 'success', reason: '' } };

beforeAll(async () => {
  provider = createServer(async (request, response) => {
    asked.push({ path: request.url ?? '', body: await textOf(request) });
    if (tooSoon.times-- > 0) return void response.writeHead(429, tooSoon.headers).end('Too Many Requests');
    response.writeHead(says === null ? 502 : 200, { 'content-type': 'application/json' }).end(says === null ? '' : JSON.stringify(says));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  test = await openTestGateway({ upstreamHosts: [apiUrl()] });
  second = await openTestGateway({ upstreamHosts: [apiUrl()], namespace: test.namespace });
});
afterAll(async () => {
  await second.close();
  await test.close();
  await new Promise((resolve) => provider.close(resolve));
});

const apiUrl = (): string => `http://127.0.0.1:${(provider.address() as AddressInfo).port}`; // it listens on TCP

/**
 * A session that waits for its password. Each has an instance of its own, because passwords are
 * spaced per instance.
 */
async function waiting(): Promise<Body & { apiToken: string }> {
  const instance = newInstance();
  const body = await test.create({ ...instance, apiUrl: apiUrl() });
  await test.call('GET', `/v1/sessions/${body.session.id}`);
  await test.answer(body.session.id, { kind: 'passwordWanted' });
  return { ...body, apiToken: instance.apiToken };
}

const submit = (body: Body, secret = body.ticket, password = 'correct horse'): Promise<Answer> =>
  test.call('POST', `/v1/sessions/${body.session.id}/password`, { secret, body: { password } });

/** Without the wait for the spacing. */
async function submitNow(body: Body, gateway: TestGateway): Promise<Answer> {
  const { instanceKey } = (await test.node.sessions.find(body.session.id)) ?? {};
  await test.node.redis.del(passwordRateKey(test.namespace, instanceKey ?? ''));
  return gateway.call('POST', `/v1/sessions/${body.session.id}/password`, { secret: body.ticket, body: { password: 'correct horse' } });
}

/** The attempt runs out, and a new one reaches its password step. */
async function again({ session, ticket }: Body): Promise<void> {
  await test.passDeadline(session.id);
  expect((await test.call('POST', `/v1/sessions/${session.id}/resume`, { secret: ticket })).status).toBe(200);
  await test.answer(session.id, { kind: 'passwordWanted' });
}

describe('POST /v1/sessions/{id}/password', () => {
  it('sends the password to the provider once, and requests the state at once', async () => {
    const made = await waiting();
    expect(await test.takeWakeUp(made.session.id)).toMatchObject({ ask: null }); // for the first poll, which no worker has taken
    says = SUCCESS;
    const before = asked.length;
    const { status, body } = await submit(made);
    expect([status, body.session.state]).toEqual([200, 'password']);
    expect(asked.slice(before)).toEqual([
      { path: `/waInstance${made.session.instanceId}/sendAuthorizationPassword/${made.apiToken}`, body: '{"password":"correct horse"}' },
    ]);
    expect(await test.takeWakeUp(made.session.id)).toMatchObject({ ask: 'state' });
  });

  it('answers a wrong one with password_rejected, and shows the notice', async () => {
    const made = await waiting();
    says = FAIL('invalid_password');
    const { status, body, text } = await submit(made, undefined, 'wrong-one');
    expect([status, body.code, body.retryable]).toEqual([422, 'password_rejected', true]);
    expect(text).not.toContain('wrong-one');
    const { session } = (await test.call('GET', `/v1/sessions/${made.session.id}`)).body;
    expect(session).toMatchObject({ state: 'password', notice: { code: 'password_rejected' } });
  });

  it('delays a second one within a second, and refuses more with too_many_requests, whoever sends them', async () => {
    const made = await waiting();
    says = FAIL('invalid_password');
    const before = asked.length;
    const answers = await Promise.all([submit(made), submit(made, test.tenant.apiKey), submit(made)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([422, 422, 429]);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.body).toMatchObject({ code: 'too_many_requests', retryable: true, retryAfterMs: 1_100 });
    expect(refused?.headers.get('retry-after')).toBe('2');
    expect(asked.length).toBe(before + 2);
  });

  it('answers too_many_requests if the provider accepts no more', async () => {
    const made = await waiting();
    says = FAIL('rate_limit_exceeded');
    const { status, body, headers } = await submit(made);
    expect([status, body.code, headers.get('retry-after')]).toEqual([429, 'too_many_requests', '60']);
    expect((await test.call('GET', `/v1/sessions/${made.session.id}`)).body.session.notice?.code).toBe('password_rate_limited');
  });

  it('sends one again that was too early for the provider, and neither reports nor counts that', async () => {
    const made = await waiting();
    says = SUCCESS;
    tooSoon = { times: 1, headers: { 'retry-after': '1' } };
    const before = asked.length;
    expect((await submit(made)).status).toBe(200);
    expect(asked.slice(before).map(({ body }) => body)).toEqual(Array(2).fill('{"password":"correct horse"}'));
    expect((await test.call('GET', `/v1/sessions/${made.session.id}`)).body.session.notice).toBeNull();
  });

  it.each([
    ['again', { times: 2, headers: {} }, 2],
    ['for a minute', { times: 1, headers: { 'retry-after': '60' } }, 1],
  ])('answers too_many_requests if the provider refuses one %s as too early', async (_, refusals, requests) => {
    const made = await waiting();
    says = SUCCESS;
    tooSoon = refusals;
    const before = asked.length;
    const { status, body } = await submit(made);
    expect([status, body.code, asked.length - before]).toEqual([429, 'too_many_requests', requests]);
    expect((await test.call('GET', `/v1/sessions/${made.session.id}`)).body.session.notice?.code).toBe('password_rate_limited');
  });

  it('accepts five wrong ones in an attempt over all gateways, and then shows every viewer the limit', async () => {
    const made = await waiting();
    says = FAIL('invalid_password');
    const before = asked.length;
    const answers: Answer[] = [];
    for (let n = 0; n < 3; n++) {
      // Two at once: one of them may have to wait, and each counts once.
      answers.push(...(await Promise.all([submitNow(made, test), submitNow(made, second)])));
    }
    expect(answers.map(({ status }) => status).sort()).toEqual([422, 422, 422, 422, 422, 429]);
    expect(asked.length).toBe(before + 5);
    const refused = await submitNow(made, second);
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_requests']);
    expect(refused.body.detail).toContain('5 wrong passwords');
    const waitMs = refused.body.retryAfterMs ?? 0;
    expect(waitMs).toBeGreaterThan(60_000); // until the attempt is over
    expect(waitMs).toBeLessThanOrEqual(180_000);
    expect(refused.headers.get('retry-after')).toBe(String(Math.ceil(waitMs / 1_000)));
    expect(asked.length).toBe(before + 5);
    const { session } = (await test.call('GET', `/v1/sessions/${made.session.id}`)).body;
    expect(session.notice?.code).toBe('password_rate_limited');
    // Many tries cause one notice, so a guesser cannot make the viewers' screens flicker.
    await submitNow(made, test);
    expect((await test.call('GET', `/v1/sessions/${made.session.id}`)).body.session.version).toBe(session.version);
  });

  it('accepts ten wrong ones in a session, however often it is resumed', async () => {
    const made = await waiting();
    says = FAIL('invalid_password');
    for (let n = 0; n < 5; n++) expect((await submitNow(made, test)).status).toBe(422);
    expect((await submitNow(made, test)).status).toBe(429);
    await again(made);
    for (let n = 0; n < 5; n++) expect((await submitNow(made, second)).status).toBe(422);
    await again(made);
    const refused = await submitNow(made, second);
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_requests']);
    expect(refused.body.detail).toContain('10 wrong passwords');
    expect(refused.body.retryAfterMs).toBeGreaterThan(3_500_000);
  });

  it('counts only those that the provider called wrong, and starts again after a right one', async () => {
    const made = await waiting();
    const tries = async () => test.node.redis.zcard(passwordTriesKey(test.namespace, made.session.id));
    for (const answer of [null, FAIL('rate_limit_exceeded'), FAIL('timeout'), FAIL('authorization_not_started')]) {
      says = answer;
      await submitNow(made, test);
      expect(await tries()).toBe(0);
    }
    says = FAIL('invalid_password');
    await submitNow(made, test);
    await submitNow(made, test);
    expect(await tries()).toBe(2);
    says = SUCCESS;
    expect((await submitNow(made, test)).status).toBe(200);
    expect(await tries()).toBe(0);
  });

  it('answers not_waiting_for_password if the provider does not expect one any more', async () => {
    says = FAIL('authorization_not_started');
    const { status, body } = await submit(await waiting());
    expect([status, body.code]).toEqual([409, 'not_waiting_for_password']);
  });

  it('answers unavailable after a fault of the provider', async () => {
    says = null;
    const { status, body, headers } = await submit(await waiting());
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '2']);
  });

  it('sends none to the provider while no password is needed', async () => {
    const made = await test.create({ apiUrl: apiUrl() });
    const before = asked.length;
    const { status, body } = await submit(made);
    expect([status, body.code]).toEqual([409, 'not_waiting_for_password']);
    expect(body.detail).toContain('idle');
    expect(asked.length).toBe(before);
  });

  it.each([{}, { password: '' }, { password: 'secret'.repeat(50) }, { password: 5 }, { password: 'secret', pin: 'secret' }])(
    'a request that is not one password is invalid_request (%#)',
    async (body) => {
      const made = await waiting();
      const answer = await test.call('POST', `/v1/sessions/${made.session.id}/password`, { body });
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      expect(answer.text).not.toContain('secret');
    },
  );

  it('over a stream acknowledges one, and refuses one with the same codes', async () => {
    const made = await waiting();
    const viewer = test.view(made.ticket);
    await viewer.until('session', ({ state }) => state === 'password');
    const send = (sessionId: string) => viewer.call('password', { sessionId, password: 'correct horse' });
    says = FAIL('invalid_password');
    expect((await send(made.session.id)).error).toMatchObject({ code: 'password_rejected', retryable: true });
    await viewer.until('session', ({ notice }) => notice?.code === 'password_rejected');
    expect((await send('ses_other')).error).toMatchObject({ code: 'not_found' });
    expect((await viewer.call('password', { sessionId: made.session.id })).error?.code).toBe('invalid_request');

    const watcher = test.view(await test.ticketFor(made.session.id, { scopes: ['view'] }));
    await watcher.until('session');
    const refused = await watcher.call('password', { sessionId: made.session.id, password: 'correct horse' });
    expect(refused).toMatchObject({ ok: false, error: { code: 'forbidden', retryable: false } });
  });

  it('over a stream acknowledges an accepted one, and then sends connected', async () => {
    const made = await waiting();
    const viewer = test.view(made.ticket);
    await viewer.until('session', ({ state }) => state === 'password');
    says = SUCCESS;
    expect(await viewer.call('password', { sessionId: made.session.id, password: 'correct horse' })).toEqual({ ok: true });
    await test.answer(made.session.id, { kind: 'authorized', account: null });
    expect((await viewer.until('session', ({ state }) => state === 'connected')).account).toEqual({ wid: null, phone: null });
  });
});
