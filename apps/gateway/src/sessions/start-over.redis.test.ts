import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAX_START_OVERS, MIN_SPACING_MS } from '@qrcast/core/schedule';
import { createInstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import { pollMember, shardOf, shardOfInstance } from '@qrcast/runtime/polling/shards';
import { passwordTriesKey, shardKeys, startOverLockKey } from '@qrcast/runtime/redis/keys';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type Body, newInstance, openTestGateway, type TestGateway } from '../../test/gateway.ts';

/** What the provider answers to each method, one after another. The last answer stays. */
type Method = 'getStateInstance' | 'logout' | 'sendAuthorizationPassword';
type Script = readonly (readonly [status: number, body: unknown, headers?: Readonly<Record<string, string>>])[];

let provider: Server;
let asked: string[] = [];
let script: Record<Method, Script>;
let beforeAnswer: () => Promise<void>;
let test: TestGateway;
let second: TestGateway;

const PENDING = [200, { stateInstance: 'pendingPassword' }] as const;
const LOGGED_OUT = [200, { isLogout: true }] as const;
const state = (stateInstance: string): readonly [number, unknown] => [200, { stateInstance }];

beforeAll(async () => {
  provider = createServer(async (request, response) => {
    const method = (request.url ?? '').split('/')[2] as Method; // no other method is called here
    asked.push(method);
    await beforeAnswer();
    const answers = script[method];
    const [status, body, headers] = answers[Math.min(asked.filter((one) => one === method).length, answers.length) - 1] ?? [500, ''];
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body === '' ? '' : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  test = await openTestGateway({ upstreamHosts: [apiUrl()] });
  second = await openTestGateway({ upstreamHosts: [apiUrl()], namespace: test.namespace });
});
beforeEach(() => {
  asked = [];
  script = { getStateInstance: [PENDING], logout: [LOGGED_OUT], sendAuthorizationPassword: [] };
  beforeAnswer = async () => undefined;
});
afterAll(async () => {
  await second.close();
  await test.close();
  await new Promise((resolve) => provider.close(resolve));
});

const apiUrl = (): string => `http://127.0.0.1:${(provider.address() as AddressInfo).port}`; // it listens on TCP

async function waiting(fields: object = {}): Promise<Body> {
  const body = await test.create({ ...newInstance(), apiUrl: apiUrl(), ...fields });
  await test.call('GET', `/v1/sessions/${body.session.id}`);
  await test.answer(body.session.id, { kind: 'passwordWanted' });
  return body;
}

const leave = ({ session, ticket }: Body, { secret = ticket, gateway = test } = {}): Promise<Answer> =>
  gateway.call('POST', `/v1/sessions/${session.id}/start-over`, { secret });
/** Without the wait for the spacing. */
async function takeTurnBack(made: Body): Promise<void> {
  await test.node.redis.del(startOverLockKey(test.namespace, (await stored(made)).instanceKey));
}
/** The instance while a poll of it is under way, until `poll` is released. */
async function polled(made: Body) {
  const { instanceKey } = await stored(made);
  const holds = createInstanceHolds({ ...test.node, namespace: test.namespace });
  const poll = await holds.take(instanceKey);
  if (poll.kind !== 'held') return expect.unreachable('nothing else polls');
  return { instanceKey, holds, poll };
}
const stored = ({ session }: Body) => test.stored(session.id);

describe('POST /v1/sessions/{id}/start-over', () => {
  it('requests the state, logs the instance out, and waits for a new code until a new deadline', async () => {
    const made = await waiting();
    const before = await stored(made);
    const { status, body } = await leave(made);
    expect(status).toBe(200);
    expect(body.session).toMatchObject({ state: 'waiting', notice: { code: 'instance_starting' }, startedAt: before.startedAt });
    expect(body.session.deadlineAt).toBeGreaterThan(before.deadlineAt);
    expect(asked).toEqual(['getStateInstance', 'logout']);
    expect(await stored(made)).toMatchObject({ login: 'none', next: { ask: 'qr' }, startOvers: 1 });
  });

  it('of an unwatched session counts as watching for the grace period, and requests codes an interval later', async () => {
    const made = await waiting();
    await test.node.sessions.apply(made.session.id, { kind: 'hidden', at: test.node.clock.now() });
    const { instanceKey } = await stored(made);
    const target = { sessionId: made.session.id, instanceKey, tenantId: test.tenant.id };
    const later = Date.now() + 600_000;
    await test.node.queue.cancel(target);
    await test.node.queue.ensure(target, later, later); // as for an unwatched session
    expect((await leave(made)).status).toBe(200);
    const { next, isUnwatched } = await stored(made);
    expect([next.ask, isUnwatched]).toEqual(['qr', false]);
    const [due, watch] = shardKeys(test.namespace, shardOf(target));
    expect(Number(await test.node.redis.zscore(due, pollMember(target)))).toBe(next.at);
    expect(Number(await test.node.redis.zscore(watch, pollMember(target)))).toBeLessThan(later);
  });

  it('is written to the audit log, once, with who did it', async () => {
    const made = await waiting();
    await leave(made);
    const { entries } = (
      await test.call('GET', `/v1/audit?sessionId=${made.session.id}&action=session.started_over`, { secret: test.tenant.apiKey })
    ).body as unknown as { entries: { actor: { kind: string }; outcome: string }[] };
    expect(entries).toMatchObject([{ actor: { kind: 'ticket' }, outcome: 'ok' }]);
  });

  it('keeps the counts of wrong passwords', async () => {
    const made = await waiting();
    const key = passwordTriesKey(test.namespace, made.session.id);
    const { startedAt } = await stored(made);
    await test.node.redis.zadd(key, Date.now() + 3_600_000, `${startedAt}|one`);
    await leave(made);
    expect(await test.node.redis.zcard(key)).toBe(1);
    expect((await stored(made)).startedAt).toBe(startedAt);
  });

  it('answers 409 with the connected session, without a logout, if the login was finished in the meantime', async () => {
    script.getStateInstance = [state('authorized')];
    const made = await waiting();
    const { status, body } = await leave(made);
    expect([status, body.code, body.session.state]).toEqual([409, 'not_waiting_for_password', 'connected']);
    expect(asked).toEqual(['getStateInstance']);
  });

  it.each([
    ['starting', 'waiting', 'login_finishing'],
    ['suspended', 'waiting', 'provider_not_ready'],
  ])('answers 409 without a logout for an instance that is %s, and the session shows that', async (stateInstance, shown, code) => {
    script.getStateInstance = [state(stateInstance)];
    const { status, body } = await leave(await waiting());
    expect([status, body.session.state, body.session.notice?.code]).toEqual([409, shown, code]);
    expect(asked).toEqual(['getStateInstance']);
  });

  it('sends no logout if the instance already expects a scan', async () => {
    script.getStateInstance = [state('notAuthorized')];
    expect((await leave(await waiting())).status).toBe(200);
    expect(asked).toEqual(['getStateInstance']);
  });

  it('waits for the spacing after a poll, and lets no poll begin before its logout is over', async () => {
    const made = await waiting();
    const { instanceKey, holds, poll } = await polled(made);
    const busyMeanwhile: string[] = [];
    beforeAnswer = async () => void busyMeanwhile.push((await holds.take(instanceKey)).kind);
    const left = leave(made);
    await poll.release();
    expect((await left).status).toBe(200);
    expect(busyMeanwhile).toEqual(['busy', 'busy']);
    const freeAt = await test.node.redis.zscore(shardKeys(test.namespace, shardOfInstance(instanceKey))[2], instanceKey);
    expect(Number(freeAt)).toBeGreaterThanOrEqual(poll.startedAt + 2 * MIN_SPACING_MS);
  });

  it('sends no logout if a Retry-After has come since it asked for the state', async () => {
    const made = await waiting();
    const { instanceKey } = await stored(made);
    const holds = createInstanceHolds({ ...test.node, namespace: test.namespace });
    beforeAnswer = () => holds.keepRetryAfter(instanceKey, 60_000);
    const { status, body } = await leave(made);
    expect([status, body.code]).toEqual([503, 'unavailable']);
    expect(asked).toEqual(['getStateInstance']);
    expect(await holds.retryAfterMs(instanceKey)).toBeGreaterThan(30_000);
  });

  it('asks nothing if the session has ended while it waited', async () => {
    const made = await waiting();
    const { instanceKey, poll } = await polled(made);
    const left = leave(made);
    while ((await test.node.redis.exists(startOverLockKey(test.namespace, instanceKey))) === 0);
    await test.call('DELETE', `/v1/sessions/${made.session.id}`);
    await poll.release();
    const { status, body } = await left;
    expect([status, body.code]).toEqual([409, 'not_waiting_for_password']);
    expect(asked).toEqual([]);
  });

  it('repeats its request if another program sent one within the same second', async () => {
    script.getStateInstance = [[429, ''], PENDING];
    expect((await leave(await waiting())).status).toBe(200);
    expect(asked).toEqual(['getStateInstance', 'getStateInstance', 'logout']);
  });

  it.each(['getStateInstance', 'logout'] as const)('respects the Retry-After that comes with %s', async (method) => {
    script = { ...script, [method]: [[429, '', { 'retry-after': '20' }]] };
    const made = await waiting();
    const first = await leave(made);
    expect([first.status, first.body.code, first.body.retryAfterMs]).toEqual([503, 'unavailable', 20_000]);
    await takeTurnBack(made);
    asked = [];
    script = { ...script, getStateInstance: [PENDING], logout: [LOGGED_OUT] };
    const again = await leave(made, { gateway: second });
    expect([again.status, again.body.code]).toEqual([503, 'unavailable']);
    expect(again.body.retryAfterMs).toBeGreaterThan(10_000);
    expect(asked).toEqual([]);
    expect(await stored(made)).toMatchObject({ state: { kind: 'password' }, startOvers: 0 });
  });

  it.each<readonly [name: string, method: 'getStateInstance' | 'logout', answer: readonly [number, unknown]]>([
    ['refused state', 'getStateInstance', [401, '']],
    ['state of no use', 'getStateInstance', [502, '']],
    ['state that is blocked', 'getStateInstance', state('blocked')],
    ['refused logout', 'logout', [404, '']],
    ['logout that did nothing', 'logout', [200, { isLogout: false }]],
  ])('answers unavailable after a %s, keeps the password step, and does not count the try', async (_name, method, answer) => {
    script = { ...script, [method]: [answer] };
    const made = await waiting();
    const { status, body } = await leave(made);
    expect([status, body.code, body.retryable]).toEqual([503, 'unavailable', true]);
    expect(await stored(made)).toMatchObject({ state: { kind: 'password' }, startOvers: 0 });
  });

  it('works three times in a session, then answers too_many_requests without a request', async () => {
    const made = await waiting();
    for (let n = 0; n < MAX_START_OVERS; n++) {
      await takeTurnBack(made);
      expect((await leave(made)).status).toBe(200);
      await test.answer(made.session.id, { kind: 'passwordWanted' });
    }
    asked = [];
    expect(await leave(made)).toMatchObject({ status: 429, body: { code: 'too_many_requests' } });
    expect(asked).toEqual([]);
  });

  it('sends one logout for two simultaneous calls on two gateways', async () => {
    const made = await waiting();
    const underWay = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    beforeAnswer = () => {
      underWay.resolve();
      return answer.promise;
    };
    const first = leave(made);
    await underWay.promise;
    const other = await leave(made, { gateway: second });
    answer.resolve();
    expect([(await first).status, other.status]).toEqual([200, 429]);
    expect(asked).toEqual(['getStateInstance', 'logout']);
    const { instanceKey } = await stored(made);
    expect(await test.node.redis.pttl(startOverLockKey(test.namespace, instanceKey))).toBeLessThanOrEqual(MIN_SPACING_MS);
  });

  it('does not log out while a password is being checked, and accepts no password while it logs out', async () => {
    script.sendAuthorizationPassword = [[200, { status: true, data: { status: 'success' } }]];
    const made = await waiting();
    const givePassword = (): Promise<Answer> =>
      test.call('POST', `/v1/sessions/${made.session.id}/password`, { secret: made.ticket, body: { password: 'correct horse' } });
    for (const [first, then] of [
      [givePassword, () => leave(made, { gateway: second })],
      [() => leave(made, { gateway: second }), givePassword],
    ] as const) {
      asked = [];
      const underWay = Promise.withResolvers<void>();
      const answer = Promise.withResolvers<void>();
      beforeAnswer = () => {
        underWay.resolve();
        return answer.promise;
      };
      const one = first();
      await underWay.promise;
      beforeAnswer = async () => undefined;
      const other = await then();
      answer.resolve();
      expect([(await one).status, other.status, other.body.code]).toEqual([200, 429, 'too_many_requests']);
      expect(asked.includes('logout') && asked.includes('sendAuthorizationPassword')).toBe(false);
      await takeTurnBack(made);
      await test.answer(made.session.id, { kind: 'passwordWanted' });
    }
  });

  it('leaves a session cancelled that was cancelled in the meantime', async () => {
    const made = await waiting();
    beforeAnswer = async () => void (await test.call('DELETE', `/v1/sessions/${made.session.id}`, { secret: test.tenant.apiKey }));
    const { status, body } = await leave(made);
    expect([404, 409]).toContain(status);
    expect(body.code).toMatch(/not_found|not_waiting_for_password/);
    expect((await stored(made)).state).toEqual({ kind: 'ended', reason: 'cancelled' });
  });

  it('works only in the state password', async () => {
    const idle = await test.create({ ...newInstance(), apiUrl: apiUrl() });
    expect(await leave(idle)).toMatchObject({ status: 409, body: { code: 'not_waiting_for_password', session: { state: 'idle' } } });
    expect(asked).toEqual([]);
  });

  it('needs the scope password', async () => {
    const made = await waiting();
    const { text } = await test.call('POST', `/v1/sessions/${made.session.id}/tickets`, {
      secret: test.tenant.apiKey,
      body: { scopes: ['view'] },
    });
    const { ticket } = JSON.parse(text) as { ticket: string };
    expect(await leave(made, { secret: ticket })).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await leave(made, { secret: test.tenant.apiKey })).status).toBe(200);
  });

  describe('by a ticket that may not view', () => {
    const blind = ({ session }: Body): Promise<string> => test.ticketFor(session.id, { scopes: ['password'] });

    it('answers 409 without the session, so that it shows no code', async () => {
      const made = await test.create({ ...newInstance(), apiUrl: apiUrl() });
      await test.call('GET', `/v1/sessions/${made.session.id}`);
      await test.showCode(made.session.id, 'one');
      const { status, body, text } = await leave(made, { secret: await blind(made) });
      expect([status, body.code, body.session]).toEqual([409, 'not_waiting_for_password', undefined]);
      expect(text).not.toContain('data:image');
    });

    it('answers 409 without the session after a finished login, so that it shows no account', async () => {
      script.getStateInstance = [state('authorized')];
      const made = await waiting();
      const { status, body } = await leave(made, { secret: await blind(made) });
      expect([status, body.code, body.session]).toEqual([409, 'not_waiting_for_password', undefined]);
      expect((await stored(made)).state.kind).toBe('connected');
    });

    it('shows no code in the 200 of a password either, even if one has just come', async () => {
      script.sendAuthorizationPassword = [[200, { status: true, data: { status: 'success' } }]];
      const made = await waiting();
      const secret = await blind(made);
      beforeAnswer = async () => {
        await test.answer(made.session.id, { kind: 'notAuthorized' });
        await test.showCode(made.session.id, 'one');
      };
      const body = { password: 'correct horse' };
      const answer = await test.call('POST', `/v1/sessions/${made.session.id}/password`, { secret, body });
      expect([answer.status, answer.body.session]).toMatchObject([200, { state: 'showing', code: null }]);
    });
  });
});
