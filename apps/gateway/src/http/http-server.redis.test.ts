import { connect } from 'node:net';
import { ERRORS } from '@qrcast/core/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, newInstance, openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

function expectProblem(answer: Answer, code: keyof typeof ERRORS): void {
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const { detail, retryAfterMs, ...rest } = answer.body;
  const { status, title, retryable } = ERRORS[code];
  expect(rest).toEqual({ type: `urn:qrcast:error:${code}`, title, status, code, retryable });
  expect(answer.status).toBe(status);
  expect(detail.length).toBeGreaterThan(10);
  if (retryAfterMs !== undefined) expect(answer.headers.get('retry-after')).toBe(String(Math.ceil(retryAfterMs / 1000)));
}

describe('an unreadable request', () => {
  it.each([
    ['no JSON', { body: '{"instanceId":' }],
    ['an empty body', { body: '' }],
    ['no object', { body: '"text"' }],
    ['a poisoned object', { body: '{"__proto__":{"x":1}}' }],
    ['plain text', { body: 'instanceId=1', headers: { 'content-type': 'text/plain' } }],
    ['a form', { body: 'instanceId=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    ['no body', {}],
  ])('%s is invalid_request', async (_name, options) => {
    expectProblem(await test.call('POST', '/v1/sessions', options), 'invalid_request');
  });

  it('a body above 64 KiB is body_too_large, one below is read', async () => {
    const padded = (bytes: number): string => `{"reference":"${'x'.repeat(bytes)}"}`;
    expectProblem(await test.call('POST', '/v1/sessions', { body: padded(64 * 1024) }), 'body_too_large');
    expectProblem(await test.call('POST', '/v1/sessions', { body: padded(63 * 1024) }), 'invalid_request');
  });

  it.each([
    ['GET', '/v1/nothing'],
    ['GET', '/index.html'],
    ['PUT', '/v1/sessions'],
    ['POST', '/v1/sessions/ses_1'],
    ['GET', `/v1/sessions/${'x'.repeat(300)}`],
    ['GET', '/connect/assets/notes.txt'],
    ['GET', '/connect/assets/../connect.html'],
  ])('%s %s is not_found', async (method, path) => {
    expectProblem(await test.call(method, path), 'not_found');
  });

  it('a path that is not a valid URL is answered with a problem that does not repeat it', async () => {
    const answer = await test.call('GET', '/v1/sessions/%zz-secret');
    expectProblem(answer, 'invalid_request');
    expect(answer.text).not.toContain('secret');
  });

  it('anything that is not HTTP is answered and cut', async () => {
    const socket = connect(test.gateway.port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk)).write('what is this\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('fields at fault', () => {
  it.each<[field: string, fields: Record<string, unknown>]>([
    ['instanceId', { instanceId: 'eleven-hundred' }],
    ['instanceId', { instanceId: 1101000001 }],
    ['instanceId', { instanceId: undefined }],
    ['apiToken', { apiToken: 'a secret with spaces' }],
    ['apiToken', { apiToken: undefined }],
    ['apiUrl', { apiUrl: 'https://1101.api.green-api.com/waInstance1/secretsecret' }],
    ['apiUrl', { apiUrl: 7 }],
    ['apiUrl', { apiUrl: `https://${'secretsecret'.repeat(30)}.api.green-api.com` }],
    ['reference', { reference: '' }],
    ['expectedPhone', { expectedPhone: 'my secretsecret' }],
    ['expectedPhone', { expectedPhone: '8 (900) 123-45-67', logoutOnMismatch: true }],
    ['locale', { locale: '??' }],
    ['relink', { relink: 'yes' }],
    ['expiresInSeconds', { expiresInSeconds: 59 }],
    ['expiresInSeconds', { expiresInSeconds: 604_801 }],
    ['returnUrl', { returnUrl: 'javascript:secretsecret' }],
    ['token', { token: 'secretsecret' }],
  ])('%s is named, its value is not (%#)', async (field, fields) => {
    const answer = await test.call('POST', '/v1/sessions', { body: { ...newInstance(), ...fields } });
    expectProblem(answer, 'invalid_request');
    expect(answer.body.detail).toContain(field);
    expect(answer.text).not.toMatch(/secret|123-45-67/);
  });

  it('are all named at once', async () => {
    const { body } = await test.call('POST', '/v1/sessions', { body: { instanceId: 'x', apiToken: 'y', relink: 1 } });
    for (const field of ['instanceId', 'apiToken', 'relink']) expect(body.detail).toContain(field);
  });
});

describe('the page and the health', () => {
  it('GET /connect serves the page under a strict policy', async () => {
    const { status, headers, text } = await test.call('GET', '/connect', { secret: null });
    expect([status, text]).toEqual([200, '<!doctype html><title>page</title>']);
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*script-src 'self'/);
    expect(headers.get('content-security-policy')).not.toContain('unsafe-inline');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    const asset = await test.call('GET', '/connect/assets/page-1a2b.js', { secret: null });
    expect([asset.status, asset.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8']);
    expect(asset.headers.get('cache-control')).toBe('no-cache');
  });

  it('GET /healthz and /readyz are green', async () => {
    expect((await test.call('GET', '/healthz', { secret: null })).status).toBe(200);
    expect((await test.call('GET', '/readyz', { secret: null })).status).toBe(200);
  });
});
