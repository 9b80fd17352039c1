import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Body, newInstance, openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
let mine: Body;
/** What each good credential may do; refusal-matrix tests the others. */
let secrets: Readonly<Record<string, string>>;

beforeAll(async () => {
  test = await openTestGateway();
  mine = await test.create();
  secrets = {
    'view ticket': await test.ticketFor(mine.session.id, { scopes: ['view'] }),
    'password ticket': await test.ticketFor(mine.session.id, { scopes: ['password'] }),
    'full ticket': mine.ticket,
    key: test.tenant.apiKey,
  };
});
afterAll(() => test.close());

const CALLS = {
  read: () => ['GET', `/v1/sessions/${mine.session.id}`, undefined],
  wait: () => ['GET', `/v1/sessions/${mine.session.id}?wait=1`, undefined],
  resume: () => ['POST', `/v1/sessions/${mine.session.id}/resume`, undefined],
  password: () => ['POST', `/v1/sessions/${mine.session.id}/password`, { password: 'secret' }],
  ticket: () => ['POST', `/v1/sessions/${mine.session.id}/tickets`, {}],
  create: () => ['POST', '/v1/sessions', newInstance()],
  list: () => ['GET', '/v1/sessions', undefined],
  revoke: () => ['DELETE', '/v1/tickets/tkt_none', undefined],
  cancel: () => ['DELETE', `/v1/sessions/${mine.session.id}`, undefined],
} as const satisfies Record<string, () => readonly [string, string, unknown]>;
type Call = keyof typeof CALLS;

const FORBIDDEN = Object.fromEntries(Object.keys(CALLS).map((call) => [call, 'forbidden'])) as Readonly<Record<Call, string>>; // has all keys

/**
 * For each credential what each call answers. A number is the status of a call that reached the
 * session.
 */
const EXPECTED: Readonly<Record<string, Readonly<Record<Call, string | number>>>> = {
  'view ticket': { ...FORBIDDEN, read: 200, wait: 200, resume: 'not_resumable' },
  'password ticket': { ...FORBIDDEN, password: 'not_waiting_for_password' },
  'full ticket': { ...FORBIDDEN, read: 200, wait: 200, resume: 'not_resumable', password: 'not_waiting_for_password' },
  key: {
    read: 200,
    wait: 200,
    resume: 'not_resumable',
    password: 'not_waiting_for_password',
    ticket: 201,
    create: 201,
    list: 200,
    revoke: 204,
    cancel: 204,
  },
};

describe('a good credential', () => {
  // In the order of the table: the last call cancels the session.
  for (const [name, expected] of Object.entries(EXPECTED)) {
    it.each(Object.entries(expected))(`${name}: %s → %s`, async (call, wanted) => {
      const [method, path, body] = CALLS[call as Call](); // its own keys
      const secret = secrets[name] ?? '';
      const answer = await test.call(method, path, { secret, body });
      expect(typeof wanted === 'number' ? answer.status : answer.body.code).toBe(wanted);
      if (typeof wanted === 'string') expect(answer.text).not.toContain(secret);
    });
  }

  it.each(['Basic abc', 'Bearer', 'Bearer a b', `Bearer ${'x'.repeat(5_000)}`, 'qk_x'])(
    'the header %s is no credential (%#)',
    async (authorization) => {
      const { status } = await test.call('GET', '/v1/sessions', { secret: null, headers: { authorization } });
      expect(status).toBe(401);
    },
  );
});

describe('the origin of a ticket', () => {
  const origins = ['https://app.example.com', 'https://xn--e1afmkfd.example.com'];

  it.each([
    ['https://app.example.com', 200],
    ['https://evil.example.com', 403],
    ['https://app.example.com.evil.com', 403],
    ['http://app.example.com', 403],
    ['HTTPS://App.Example.COM', 200],
    ['https://app.example.com:443', 200],
    ['https://app.example.com/', 200],
    ['https://app.example.com:8443', 403],
    ['https://app.example.com/page', 403],
    ['https://app.example.com.', 200],
    ['https://user@app.example.com', 403],
    ['https://sub.app.example.com', 403],
    ['https://app.example.com https://evil.example.com', 403],
    ['https://xn--e1afmkfd.example.com', 200],
    ['null', 403],
    ['', 403],
    ['app.example.com', 403],
    ['file://', 403],
    [undefined, 200], // not a browser: it could send any origin
    ['own page', 200],
  ])('%s → %s', async (origin, status) => {
    const { session } = await test.create();
    const { body } = await test.call('POST', `/v1/sessions/${session.id}/tickets`, { body: { origins } });
    const sent = origin === 'own page' ? test.url : origin;
    const headers = sent === undefined ? {} : { origin: sent };
    const answer = await test.call('GET', `/v1/sessions/${session.id}`, { secret: body.ticket, headers });
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.body.code).toBe('origin_not_allowed');
  });

  it("must be one of the tenant's if the ticket names none, and can be any if neither names one", async () => {
    const headers = { origin: 'https://evil.example.com' };
    const open = await test.create();
    expect((await test.call('GET', `/v1/sessions/${open.session.id}`, { secret: open.ticket, headers })).status).toBe(200);
    const tenant = await test.newTenant();
    await test.gateway.tenants.patch(tenant.id, { allowedOrigins: origins });
    const bound = await test.create({}, tenant);
    expect((await test.call('GET', `/v1/sessions/${bound.session.id}`, { secret: bound.ticket, headers })).status).toBe(403);
  });
});
