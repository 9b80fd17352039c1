/**
 * Addresses that we do not have, and links damaged on their way: people get a page, programs a
 * problem, and the ticket is repeated nowhere.
 */

import { createLog } from '@qrcast/runtime/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { sendRaw, statuses } from '../../test/raw-http.ts';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

let test: TestGateway;
let ticket: string;
let sessionId: string;
const lines: string[] = [];

beforeAll(async () => {
  const log = createLog('test', 'trace', { write: (line) => void lines.push(line) });
  test = await openTestGateway({ log });
  const created = await test.create();
  ({ ticket } = created);
  sessionId = created.session.id;
});
afterAll(() => test.close());

interface Ask {
  readonly accept?: string | null;
  readonly language?: string;
  readonly method?: string;
}

/** Sent byte for byte, because clients normalize addresses. */
async function ask(path: string, { accept = BROWSER, language = 'ru', method = 'GET' }: Ask = {}) {
  const headers = [
    accept === null ? [] : [`Accept: ${accept}`],
    language === '' ? [] : [`Accept-Language: ${language}`],
    'Connection: close',
  ].flat();
  const answer = await sendRaw(test.gateway.port, `${[`${method} ${path} HTTP/1.1`, 'Host: x', ...headers].join('\r\n')}\r\n\r\n`);
  const [head = '', ...body] = answer.split('\r\n\r\n');
  return { status: Number(statuses(answer)[0]), head, text: body.join('\r\n\r\n'), answer };
}

const titleOf = (text: string): string | undefined => /<h1>([^<]*)<\/h1>/.exec(text)?.[1];

describe('a damaged link', () => {
  const links: ((secret: string) => string)[] = [
    (secret) => `/connect%23${secret}`,
    (secret) => `/connect%2523${secret}`,
    (secret) => `/connect/${secret}`,
    (secret) => `/connect/%23${secret}`,
    (secret) => `/connect${secret}`,
    (secret) => `/connect&${secret}`,
    (secret) => `/connect?${secret}`,
    (secret) => `/connect/?${secret}`,
    (secret) => `/connect?ticket=${secret}`,
    (secret) => `/connect?lang=ru&t=${secret}`,
    (secret) => `/CONNECT%23${secret}`,
    (secret) => `/connect%3C${secret}%3E`,
    (secret) => `/connect%20%23${secret}`,
    (secret) => `/connect/${sessionId}%23${secret}`,
    (secret) => `/connect/${sessionId}?${secret}`,
    (secret) => `/${secret}`,
    (secret) => `/?${secret}`,
    (secret) => `/docs?${secret}`,
    (secret) => `/connect%23${secret}%zz`,
  ];

  it.each(links.map((link) => [link('…').replace('undefined', 'ses_…'), link]))(
    '%s is told in words, and its ticket is used, echoed, sent on and logged nowhere',
    async (_name, link) => {
      lines.length = 0;
      const { session, ticket: secret } = await test.create();
      const { status, head, text, answer } = await ask(link(secret));
      expect([status, titleOf(text)]).toEqual([status === 400 ? 400 : 404, 'Ссылка повреждена']);
      expect(head).toContain('content-type: text/html; charset=utf-8');
      expect(head).toContain('referrer-policy: no-referrer');
      expect(head).not.toMatch(/^(location|refresh|set-cookie):/im);
      for (const part of secret.split('.')) {
        expect(answer).not.toContain(part);
        expect(lines.join()).not.toContain(part);
      }
      expect((await test.node.sessions.find(session.id))?.state.kind).toBe('idle');
      // The ticket was not revoked.
      expect((await test.call('GET', '/v1/sessions/self?visible=false', { secret })).status).toBe(200);
    },
  );

  it('is answered with a problem to a program', async () => {
    const { status, head, text } = await ask(`/connect%23${ticket}`, { accept: null });
    expect([status, JSON.parse(text)]).toMatchObject([404, { code: 'not_found' }]);
    expect(head).toContain('content-type: application/problem+json');
  });
});

describe('a link with only its path damaged', () => {
  it.each([
    '/connect/',
    '/connect//',
    '//connect',
    '/connect%20',
    '/connect%E2%80%8B',
    '/CONNECT',
    '/connect/?utm_source=mail',
    '/connect?fbclid=IwAR0',
  ])('%s is the login page, which no page may frame', async (path) => {
    const { status, head, text } = await ask(path);
    expect([status, text]).toEqual([200, '<!doctype html><title>page</title>']);
    expect(head).toContain("frame-ancestors 'none'");
    expect(head).toMatch(/x-frame-options: DENY/i);
  });

  it('is the login page of a session', async () => {
    expect((await ask(`/connect/${sessionId}/`)).status).toBe(200);
    expect((await ask('/connect/', { method: 'HEAD' })).status).toBe(200);
  });

  it('is not found by another method', async () => {
    expect((await ask('/connect/', { method: 'POST' })).status).toBe(404);
  });
});

describe('a browser that asks for a page', () => {
  it.each([
    '/nothing',
    '/index.html',
    '/connected',
    '/docs/',
    '/connect/assets/none.js',
    '/a/b/c',
    '/socket.io/',
    '/socket.io/x?EIO=4&transport=polling',
    '//',
    '/%zz',
    '/%ff',
    `/${'x'.repeat(3_000)}`,
  ])('gets a page that says that there is nothing at %s', async (path) => {
    const { status, head, text } = await ask(path);
    expect([status === 400 || status === 404, titleOf(text)]).toEqual([true, 'Здесь ничего нет']);
    expect(head).toContain('content-language: ru');
    expect(head).toMatch(/vary: accept, accept-language/i);
    expect(head).toContain('cache-control: no-store');
    expect(text).toContain('<html lang="ru">');
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH'])('gets one for %s as well', async (method) => {
    const { status, text } = await ask('/connect', { method });
    expect([status, titleOf(text)]).toEqual([404, 'Здесь ничего нет']);
  });

  it.each([
    ['ru', 'ru'],
    ['ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7', 'ru'],
    ['uk,ru;q=0.5', 'ru'],
    ['en-GB', 'en'],
    ['en;q=0.1,ru;q=0.9', 'ru'],
    ['ru;q=0,en', 'en'],
    ['de,fr;q=0.9', 'en'],
    ['*', 'en'],
    ['', 'en'],
    ['no such thing;;q=x', 'en'],
  ])('in the language of %j', async (language, expected) => {
    expect((await ask('/nothing', { language })).text).toContain(`<html lang="${expected}">`);
  });

  it.each([
    [BROWSER, true],
    ['text/html', true],
    ['text/*', true],
    ['TEXT/HTML', true],
    ['text/html;charset=utf-8, */*', true],
    ['text/html; level=1 ;q=0.9, */*;q=0.1', true],
    ['application/xhtml+xml', true],
    ['application/json;v=1, text/html;q=0.9', false],
    ['application/json;q=0.5, text/html', true],
    ['*/*', false],
    [null, false],
    ['application/json', false],
    ['text/html;q=0.5, application/json', false],
    ['text/html;q=0, */*', false],
    ['image/avif,*/*;q=0.8', false],
  ])('%j: %s', async (accept, isPage) => {
    const { head } = await ask('/nothing', { accept });
    expect(head).toContain(isPage ? 'content-type: text/html' : 'content-type: application/problem+json');
  });

  it.each(['/v1/nothing', '/v1/sessions', '/v1', '/V1/sessions', '/%76%31/sessions', '/v1/webhooks/green-api'])(
    'at %s is a program',
    async (path) => {
      const { head, text } = await ask(path);
      expect(head).toContain('content-type: application/problem+json');
      expect(() => JSON.parse(text)).not.toThrow();
    },
  );

  it('gets a page that runs and loads nothing', async () => {
    const { head, text } = await ask('/nothing');
    const policy = /content-security-policy: (.*)/i.exec(head)?.[1];
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(text).not.toMatch(/<script|<link rel="stylesheet|src=|url\(/);
  });
});

describe('the root', () => {
  it.each([
    [BROWSER, 'ru', 'Подключение MAX по QR-коду'],
    ['*/*', 'en', 'Link MAX with a QR code'],
    [null, '', 'Link MAX with a QR code'],
  ])('tells %j what this service is, in %j', async (accept, language, title) => {
    const { status, text } = await ask('/', { accept, language });
    expect([status, titleOf(text), text.includes('href="docs"')]).toEqual([200, title, true]);
  });

  it('is not found for a client that wants JSON', async () => {
    const { status, body } = await test.call('GET', '/', { secret: null, headers: { accept: 'application/json' } });
    expect([status, body.code]).toEqual([404, 'not_found']);
  });

  it('is in the contract', async () => {
    expect((await test.call('GET', '/', { secret: null })).status).toBe(200);
    expect((await test.call('GET', '/?ticket=x', { secret: null })).status).toBe(400);
  });
});
