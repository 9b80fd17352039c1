/**
 * Requests that no client library would send. Each is answered with a reason or cut, and never
 * understood in two ways.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, type Body, openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { requestHead, sendRaw, statuses } from '../../test/raw-http.ts';

let test: TestGateway;
let mine: Body;
beforeAll(async () => {
  test = await openTestGateway();
  mine = await test.create();
});
afterAll(() => test.close());

const send = (...pieces: readonly string[]): Promise<string> => sendRaw(test.gateway.port, ...pieces);
const read = (...headers: readonly string[]): string =>
  requestHead('GET /v1/sessions/self HTTP/1.1', 'Host: x', `Authorization: Bearer ${mine.ticket}`, ...headers);

describe('a polling Socket.IO session', () => {
  it.each(['HEAD', 'PUT', 'PATCH', 'DELETE'])('refuses %s, and continues', async (method) => {
    const opened = await (await fetch(`${test.url}/socket.io/?EIO=4&transport=polling`)).text();
    const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
    const url = `${test.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`;
    expect((await fetch(url, { method })).status).toBe(400);
    expect((await fetch(url, { method: 'POST', body: '1' })).status).toBe(200);
  });
});

describe('a request', () => {
  it.each([
    ['a header twice', '/v1/admin/tenants', 'Authorization: Bearer a\r\nAuthorization: Bearer b'],
    ['a secret in its URL', '/v1/admin/tenants?ticket=a', 'Origin: https://a.example.com'],
    ['a path that is encoded', '/v1/%73essions', 'Origin: https://a.example.com'],
    ['a secret and nothing behind its path', '/nothing?token=a', 'Access-Control-Request-Method: GET'],
  ])('OPTIONS with %s is refused with a problem', async (_what, path, headers) => {
    const answer = await send(requestHead(`OPTIONS ${path} HTTP/1.1`, 'Host: x', headers, 'Connection: close'));
    expect(statuses(answer)).toEqual(['400']);
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain('"code":"invalid_request"');
  });

  it('with a repeated header that two readers could understand differently is refused', async () => {
    for (const twice of [
      `Authorization: Bearer ${test.tenant.apiKey}`,
      'Host: y',
      'Origin: https://b.example.com\r\nOrigin: https://a.example.com',
    ]) {
      const answer = await send(read(twice, 'Connection: close'));
      expect(statuses(answer)).toEqual(['400']);
      expect(answer).toContain('at most once');
    }
  });

  it.each([
    ['two lengths', ['Content-Length: 2', 'Content-Length: 3']],
    ['a length and a coding', ['Content-Length: 4', 'Transfer-Encoding: chunked']],
    ['a coding and a length', ['Transfer-Encoding: chunked', 'Content-Length: 4']],
    ['a coding of another name', ['Transfer-Encoding: xchunked']],
    ['two codings', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity']],
    ['a negative length', ['Content-Length: -1']],
    ['a length with a sign', ['Content-Length: +4']],
    ['a space before the colon', ['Content-Length : 4']],
    ['a folded line', ['Transfer-Encoding:\r\n chunked', 'Content-Length: 4']],
    ['a null in a header', ['X: a\0b']],
  ])('with %s is refused, and what follows it is not read', async (_what, headers) => {
    const smuggled = requestHead('GET /healthz HTTP/1.1', 'Host: x', 'Connection: close');
    const answer = await send(
      requestHead('POST /v1/sessions HTTP/1.1', 'Host: x', 'Content-Type: application/json', ...headers),
      `0\r\n\r\n${smuggled}`,
    );
    expect(statuses(answer)).toEqual(['400']);
    expect(answer).not.toContain('alive');
  });

  it('with bare line feeds, without a host, or of another version is refused', async () => {
    expect(statuses(await send('GET /healthz HTTP/1.1\nHost: x\n\n'))).toEqual(['400']);
    expect(statuses(await send(requestHead('GET /healthz HTTP/1.1', 'Connection: close')))).toEqual(['400']);
    expect(statuses(await send(requestHead('GET /healthz HTTP/3.0', 'Host: x')))).toEqual(['400']);
    expect(statuses(await send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))).toEqual(['400']);
  });

  it('of HTTP/1.0 is answered, and its connection closed', async () => {
    const answer = await send(requestHead('GET /healthz HTTP/1.0'));
    expect([statuses(answer), answer.toLowerCase().includes('connection: close')]).toEqual([['200'], true]);
  });

  it('that is pipelined behind others is answered in order', async () => {
    const answer = await send(read() + requestHead('GET /v1/nothing HTTP/1.1', 'Host: x') + read('Connection: close'));
    expect(statuses(answer)).toEqual(['200', '404', '200']);
  });

  it('with a whole URL is answered by its path like any other', async () => {
    const answer = await send(
      requestHead('GET http://elsewhere.example.com/healthz HTTP/1.1', 'Host: elsewhere.example.com', 'Connection: close'),
    );
    expect(statuses(answer)).toEqual(['200']);
    const secret = await send(requestHead(`GET http://x/v1/sessions?token=x HTTP/1.1`, 'Host: x', 'Connection: close'));
    expect(statuses(secret)).toEqual(['400']);
  });

  it.each(['/v1/%61dmin/tenants', '/%76%31/admin/tenants', '/v1%2Fadmin/tenants', 'http://x/v1/%61dmin/tenants', '/v1/sessions/%73elf'])(
    'to %s, which a guard in front would not know again, is refused',
    async (path) => {
      const answer = await send(requestHead(`GET ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${ADMIN_KEY}`, 'Connection: close'));
      expect(statuses(answer)).toEqual(['400']);
      expect(answer).toContain('percent-encoded');
    },
  );

  it.each(['TRACE', 'PUT', 'PROPFIND'])('by %s is not found, and is not echoed', async (method) => {
    const answer = await send(requestHead(`${method} /v1/sessions HTTP/1.1`, 'Host: x', 'X-Mine: secretsecret', 'Connection: close'));
    expect(statuses(answer)).toEqual(['404']);
    expect(answer).not.toContain('secretsecret');
  });

  it('by CONNECT is cut, and makes no connection', async () => {
    expect(await send(requestHead('CONNECT 127.0.0.1:6379 HTTP/1.1', 'Host: 127.0.0.1:6379'))).not.toMatch(/ 200 /);
  });

  it('by OPTIONS for everything, and without an origin, allows nothing', async () => {
    const answer = await send(requestHead('OPTIONS * HTTP/1.1', 'Host: x', 'Connection: close'));
    expect(statuses(answer)[0]).toMatch(/^4/);
    expect(answer).not.toMatch(/access-control-allow/i);
  });

  it.each([
    '/v1/../healthz',
    '/v1/%2e%2e/healthz',
    '/v1/%252e%252e/healthz',
    '//healthz',
    '/./healthz',
    '/healthz%00',
    '/healthz%2f..%2fv1',
    '/v1/sessions/%00',
    '/v1/sessions/..%2f..%2fhealthz',
    '/v1/sessions/self%2fevents',
    '/v1%2fsessions',
    '/V1/sessions',
    '/v1/sessions/',
    '/v1/sessions;x',
    '/connect/assets/..%2f..%2f..%2fpackage.json',
    '/connect/assets/%2e%2e/connect.html',
    '/connect/assets/..%5cconnect.html',
    '\\healthz',
  ])('for %s is not treated as another path', async (path) => {
    const answer = await send(
      requestHead(`GET ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${test.tenant.apiKey}`, 'Connection: close'),
    );
    expect(statuses(answer)[0]).toMatch(/^40[04]$/);
    expect(answer).toContain('application/problem+json');
  });

  it('whose URL and headers exceed 16 KiB is refused with a reason', async () => {
    for (const head of [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x`, `GET / HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(4_000)}X: y`]) {
      const answer = await send(requestHead(head));
      expect(statuses(answer)).toEqual(['400']);
      expect(answer).toContain('at most 16 KiB');
    }
  });
});
