/** What pages on other origins may do. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, type Answer, openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { REQUEST_HEADERS } from './cross-origin.ts';

const ORIGIN = 'https://app.example.com';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

/** What a browser asks before a call that is not simple. */
const preflight = (path: string, method = 'GET', wanted = 'authorization,last-event-id'): Promise<Answer> =>
  test.call('OPTIONS', path, {
    secret: null,
    headers: { origin: ORIGIN, 'access-control-request-method': method, 'access-control-request-headers': wanted },
  });

/** One path of each transport that goes over HTTP. */
const PREFLIGHTED = [
  ['POST', '/v1/sessions/self/password'],
  ['GET', '/v1/sessions/self/events'],
  ['GET', '/v1/sessions/self?wait=30'],
  ['GET', '/socket.io/?EIO=4&transport=polling'],
  ['POST', '/socket.io/?EIO=4&transport=polling&sid=none'],
] as const;

describe('a page on another origin', () => {
  it.each(['/v1/sessions/self', '/v1/sessions/self/events', '/v1/sessions/self/password', '/v1/nothing'])(
    'may ask for %s with a ticket, and without cookies',
    async (path) => {
      const { status, headers, text } = await preflight(path);
      expect([status, text]).toEqual([204, '']);
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      expect(headers.get('access-control-allow-methods')).toBe('GET, HEAD, POST');
      expect(headers.get('access-control-allow-headers')).toBe(REQUEST_HEADERS.join(', '));
      expect(Number(headers.get('access-control-max-age'))).toBeGreaterThan(0);
    },
  );

  describe.each(PREFLIGHTED)('that calls %s %s', (method, path) => {
    it.each([
      'traceparent,tracestate,baggage,sentry-trace,x-requested-with,x-request-id',
      'b3,x-b3-flags,x-b3-parentspanid,x-b3-sampled,x-b3-spanid,x-b3-traceid,uber-trace-id',
      'x-datadog-origin,x-datadog-parent-id,x-datadog-sampling-priority,x-datadog-trace-id,newrelic',
      'x-cloud-trace-context,x-amzn-trace-id,elastic-apm-traceparent,request-id,request-context,x-correlation-id',
      'Authorization, Cache-Control,  PRAGMA , Last-Event-ID,If-None-Match',
    ])('may send %s', async (wanted) => {
      const { status, headers } = await preflight(path, method, wanted);
      const allowed = (headers.get('access-control-allow-headers') ?? '').toLowerCase().split(/, ?/);
      expect(status).toBe(204);
      for (const name of wanted.split(',')) expect(allowed).toContain(name.trim().toLowerCase());
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    });

    it('is allowed the same list whatever it asks for: neither an echo nor `*`', async () => {
      for (const wanted of ['x-evil', '*', 'cookie', 'x-csrf-token, x-evil', '', 'x\u00e4', 'a'.repeat(4_000)]) {
        const { headers } = await preflight(path, method, wanted);
        expect(headers.get('access-control-allow-headers')).toMatch(/^[A-Za-z0-9_-]+(, ?[A-Za-z0-9_-]+)*$/);
        expect(headers.get('access-control-allow-headers')?.split(/, ?/)).toEqual(REQUEST_HEADERS);
      }
    });
  });

  it('finds each allowed header in PROTOCOL.md', () => {
    const protocol = readFileSync(new URL('../../../../packages/core/PROTOCOL.md', import.meta.url), 'utf8');
    for (const name of REQUEST_HEADERS) expect(protocol, name).toContain(`\`${name}\``);
  });

  it.each([
    '/v1/admin/tenants',
    '/v1/admin',
    '/v1/admin?x=1',
    '/v1/Admin/tenants',
    '/v1//admin/tenants',
    '/v1/sessions//admin/tenants',
    '/v1/webhooks',
    '/v1/webhooks/green-api/acme',
    '/healthz',
    '/connect',
    '/element.js',
    '/',
  ])('may not ask for %s', async (path) => {
    const { status, headers } = await preflight(path, 'POST', 'traceparent');
    expect([status, headers.get('access-control-allow-origin'), headers.get('access-control-allow-headers')]).toEqual([404, null, null]);
  });

  it('can read its answers, including refusals and their headers', async () => {
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

  it('can read that a gateway is stopping', async () => {
    const leaving = await openTestGateway({ namespace: test.namespace });
    const { ticket } = await test.create();
    const viewers = Array.from({ length: 2 }, () => leaving.view(ticket));
    await Promise.all(viewers.map((viewer) => viewer.until('session')));
    const closed = leaving.gateway.close(2_000); // the second viewer leaves after half of the time
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
