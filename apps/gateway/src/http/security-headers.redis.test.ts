/** The security headers of every answer, whatever it answers. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Body, openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { sendRaw } from '../../test/raw-http.ts';

let test: TestGateway;
let mine: Body;
beforeAll(async () => {
  test = await openTestGateway();
  mine = await test.create();
});
afterAll(() => test.close());

const SECURITY_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

describe('every answer', () => {
  it.each([
    ['GET', '/v1/sessions', 200],
    ['GET', '/v1/sessions/none', 404],
    ['GET', '/v1/nothing', 404],
    ['GET', '/v1/%zz', 400],
    ['POST', '/v1/sessions', 400],
    ['OPTIONS', '/v1/sessions', 204],
    ['GET', '/healthz', 200],
    ['GET', '/openapi.json', 200],
    ['GET', '/socket.io/?EIO=4&transport=polling', 200],
    ['GET', '/socket.io/?EIO=9', 400],
  ])('%s %s has the security headers, and names no software', async (method, path, status) => {
    const preflight = { origin: 'https://app.example.com', 'access-control-request-method': 'GET' };
    const url = `${test.url}${path}`;
    const headers = method === 'OPTIONS' ? preflight : { authorization: `Bearer ${test.tenant.apiKey}` };
    const answer = await fetch(url, { method, headers });
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject(SECURITY_HEADERS);
    for (const name of ['server', 'x-powered-by', 'set-cookie', 'strict-transport-security']) expect(answer.headers.has(name)).toBe(false);
    await answer.body?.cancel();
  });

  it.each(['/connect', '/docs', '/connect/assets/page-1a2b.js', '/element.js', '/client.js'])(
    '%s is no exception, but for what it is',
    async (path) => {
      const { headers } = await test.call('GET', path, { secret: null });
      const { 'x-content-type-options': sniff, 'referrer-policy': referrer } = SECURITY_HEADERS;
      expect([headers.get('x-content-type-options'), headers.get('referrer-policy')]).toEqual([sniff, referrer]);
      expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*|http/);
      expect(headers.get('cross-origin-resource-policy')).toBe(path.endsWith('.js') ? 'cross-origin' : 'same-origin');
      expect(headers.get('set-cookie')).toBeNull();
    },
  );

  it('isolates each page except the login page, which its opener must be able to see', async () => {
    const { session } = mine;
    const ask = async (path: string) => {
      const { headers } = await test.call('GET', path, { secret: null });
      return [path, headers.get('content-type')?.split(';')[0], headers.get('cross-origin-opener-policy')];
    };
    const logins = ['/connect', `/connect/${session.id}`, '/connect/ses_none'];
    for (const path of logins) expect(await ask(path)).toEqual([path, 'text/html', 'unsafe-none']);
    const others = [
      '/docs',
      '/',
      '/connect/',
      '/connect/none',
      `/connect/${session.id}/origins`,
      '/element.js',
      '/v1/nothing',
      '/index.html',
    ];
    for (const path of others) expect((await ask(path))[2], path).toBe('same-origin');
  });

  it('of a stream has them as well', async () => {
    const gone = new AbortController();
    const headers = { authorization: `Bearer ${mine.ticket}` };
    const stream = await fetch(`${test.url}/v1/sessions/self/events`, { headers, signal: gone.signal });
    expect(Object.fromEntries(stream.headers)).toMatchObject(SECURITY_HEADERS);
    gone.abort();
  });

  it('has Strict-Transport-Security if the public URL is https', async () => {
    const secure = await openTestGateway({ publicUrl: 'https://qrcast.example.com' });
    for (const path of ['/v1/sessions', '/connect', '/v1/%zz', '/socket.io/?EIO=4&transport=polling']) {
      const { headers } = await fetch(`${secure.url}${path}`);
      expect(headers.get('strict-transport-security')).toBe('max-age=31536000');
    }
    await secure.close();
  });

  it('to an unreadable request has them as well, and is a problem', async () => {
    const [head = '', body = ''] = (await sendRaw(test.gateway.port, 'what is this\r\n\r\n')).split('\r\n\r\n');
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) expect(head).toContain(`${name}: ${value}`);
    expect(JSON.parse(body)).toMatchObject({ status: 400, code: 'invalid_request' });
  });
});
