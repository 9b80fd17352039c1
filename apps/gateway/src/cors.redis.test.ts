/** What pages on other origins may do. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, type Answer, openTestGateway, type TestGateway } from './test-gateway.ts';

const ORIGIN = 'https://app.example.com';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

/** What a browser asks before a call that is not simple. */
const preflight = (path: string, method = 'GET'): Promise<Answer> =>
  test.call('OPTIONS', path, {
    secret: null,
    headers: { origin: ORIGIN, 'access-control-request-method': method, 'access-control-request-headers': 'authorization,last-event-id' },
  });

describe('a page on another origin', () => {
  it.each(['/v1/sessions/self', '/v1/sessions/self/events', '/v1/sessions/self/password', '/v1/nothing'])(
    'may ask for %s with a ticket, and without cookies',
    async (path) => {
      const { status, headers, text } = await preflight(path);
      expect([status, text]).toEqual([204, '']);
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      expect(headers.get('access-control-allow-methods')).toBe('GET, HEAD, POST');
      expect(headers.get('access-control-allow-headers')).toBe('Authorization, Content-Type, If-None-Match, Last-Event-ID');
      expect(Number(headers.get('access-control-max-age'))).toBeGreaterThan(0);
    },
  );

  it.each(['/v1/admin/tenants', '/v1/webhooks/green-api/acme', '/healthz', '/connect'])('may not ask for %s', async (path) => {
    const { status, headers } = await preflight(path, 'POST');
    expect([status, headers.get('access-control-allow-origin')]).toEqual([404, null]);
  });

  it('can read what it is answered, refusals and what they hold included', async () => {
    const { ticket } = await test.create();
    const headers = { origin: ORIGIN };
    const answers = [
      await test.call('GET', '/v1/sessions/self', { secret: ticket, headers }),
      await test.call('GET', '/v1/sessions/self', { secret: 'none', headers }),
      await test.call('POST', '/v1/sessions/self/password', { secret: ticket, headers, body: '{' }),
      await test.call('GET', '/v1/nothing', { secret: null, headers }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 400, 404]);
    for (const answer of answers) {
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.get('access-control-expose-headers')).toContain('ETag, Retry-After, Location');
    }
    const admin = await test.call('GET', '/v1/admin/tenants', { secret: ADMIN_KEY, headers });
    expect([admin.status, admin.headers.get('access-control-allow-origin')]).toEqual([200, null]);
  });

  it.each(['GET /v1/sessions', 'GET /v1/callbacks', 'POST /v1/sessions', 'GET /v1/nothing'])(
    'cannot read what an API key is answered to %s, for a key in a page is everybody’s',
    async (call) => {
      const [method = '', path = ''] = call.split(' ');
      const ask = (secret: string) => test.call(method, path, { secret, headers: { origin: ORIGIN } });
      for (const secret of [test.tenant.apiKey, 'qk_unknown']) {
        const { headers } = await ask(secret);
        for (const name of headers.keys()) expect(name).not.toContain('access-control');
      }
      expect((await ask('no key')).headers.get('access-control-allow-origin')).toBe('*');
    },
  );

  it.each(['/v1/%61dmin/tenants', '/v1/admin%2Ftenants', '//v1/admin/tenants'])(
    'reads nothing of the operator’s by writing a path otherwise: %s',
    async (path) => {
      const { headers } = await fetch(`${test.url}${path}`, { headers: { origin: ORIGIN, authorization: `Bearer ${ADMIN_KEY}` } });
      expect(headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  it('can read that a gateway stops', async () => {
    const leaving = await openTestGateway({ namespace: test.namespace });
    const { ticket } = await test.create();
    const viewers = Array.from({ length: 2 }, () => leaving.view(ticket));
    await Promise.all(viewers.map((viewer) => viewer.until('session')));
    const closed = leaving.gateway.close(2_000); // the second viewer leaves after half of it
    const { status, headers } = await leaving.call('GET', '/v1/sessions/self', { secret: ticket, headers: { origin: ORIGIN } });
    expect([status, headers.get('retry-after'), headers.get('access-control-allow-origin')]).toEqual([503, '1', '*']);
    await closed;
    await leaving.close();
  });

  it('may use a ticket only where the ticket allows it', async () => {
    const { session } = await test.create();
    const bound = await test.ticketFor(session.id, { origins: [ORIGIN] });
    const read = (origin: string) => test.call('GET', '/v1/sessions/self', { secret: bound, headers: { origin } });
    expect((await read(ORIGIN)).status).toBe(200);
    const refused = await read('https://evil.example.com');
    expect(refused.body.code).toBe('origin_not_allowed');
    expect(refused.headers.get('access-control-allow-origin')).toBe('*'); // the page can say what is wrong
  });
});
