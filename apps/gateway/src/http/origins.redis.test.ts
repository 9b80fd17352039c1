/** Origins in every spelling, over every transport: one form is kept and compared. */

import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ADMIN_KEY, type Answer, openTestGateway, type TestGateway, type TestTenant } from '../../test/gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway({ publicUrl: 'https://ВХОД.example:443' });
});
afterAll(() => test.close());

const tenantWith = async (allowedOrigins: readonly string[]): Promise<Answer> => {
  const { id } = await test.newTenant();
  return test.call('PATCH', `/v1/admin/tenants/${id}`, { secret: ADMIN_KEY, body: { allowedOrigins } });
};

it('each is kept once, in one form', async () => {
  const origins = [
    'https://пример.рф',
    'https://XN--E1AFMKFD.xn--p1ai.:443',
    'capacitor://localhost',
    'tauri://localhost',
    'ionic://localhost',
  ];
  const extensions = ['chrome-extension://abcdefghijklmnopabcdefghijklmnop', 'moz-extension://6c3e7e1c-0d3b-4b0f-9a57-2a1b5d9f1a11'];
  const { status, text } = await tenantWith([...origins, ...extensions]);
  expect([status, JSON.parse(text).tenant.allowedOrigins]).toEqual([
    200,
    ['https://xn--e1afmkfd.xn--p1ai', ...origins.slice(2), ...extensions],
  ]);
});

it.each([
  ['пример.рф', 'with its scheme'],
  ['https://пример.рф/', 'slash at its end'],
  ['https://*.пример.рф', 'without *'],
  ['null', 'null'],
  ['file://x', 'have no origin'],
  ['https://при\u200bмер.рф', 'invisible character'],
])('a text that is not an origin is refused with the reason: %s', async (origin, words) => {
  const { status, body } = await tenantWith(['https://app.example.com', origin]);
  expect([status, body.code]).toEqual([400, 'invalid_request']);
  expect(body.detail).toContain('allowedOrigins.1: ');
  expect(body.detail).toContain(words);
});

describe('a ticket for pages of пример.рф, of an app and of an extension', () => {
  let ticket: string;
  let session: { readonly id: string };
  beforeAll(async () => {
    const created = await test.create();
    session = created.session;
    const origins = ['https://ПРИМЕР.рф', 'capacitor://localhost', 'chrome-extension://abcdefghijklmnopabcdefghijklmnop'];
    ticket = (await test.call('POST', `/v1/sessions/${session.id}/tickets`, { body: { origins } })).body.ticket;
  });

  const transports: Readonly<Record<string, (origin: string) => Promise<string>>> = {
    async http(origin) {
      const { status, body } = await test.call('GET', '/v1/sessions/self', { secret: ticket, headers: { origin } });
      return status === 200 ? 'ok' : `${body.code}: ${body.detail}`;
    },
    async sse(origin) {
      const response = await fetch(`${test.url}/v1/sessions/self/events`, { headers: { authorization: `Bearer ${ticket}`, origin } });
      if (response.ok) {
        await response.body?.cancel();
        return 'ok';
      }
      const { code, detail } = (await response.json()) as { code: string; detail: string };
      return `${code}: ${detail}`;
    },
    async websocket(origin) {
      const socket = new WebSocket(`${test.url.replace('http', 'ws')}/v1/ws`, { headers: { origin } });
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: 'subscribe', ticket }));
      const { type, error } = JSON.parse(String((await once(socket, 'message'))[0]));
      socket.terminate();
      return type === 'ok' ? 'ok' : `${error.code}: ${error.detail}`;
    },
    async socketio(origin) {
      const viewer = test.view(ticket, { headers: { origin } });
      const refused = viewer.refused.then(({ code, detail }) => `${code}: ${detail}`);
      const result = await Promise.race([viewer.until('session').then(() => 'ok'), refused]);
      viewer.socket.disconnect();
      return result;
    },
  };

  describe.each(Object.entries(transports))('over %s', (_name, call) => {
    it.each([
      'https://xn--e1afmkfd.xn--p1ai',
      'https://XN--E1AFMKFD.XN--P1AI',
      'https://xn--e1afmkfd.xn--p1ai:443',
      'https://xn--e1afmkfd.xn--p1ai.',
      'capacitor://localhost',
      'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
      'https://xn--b1ae3a1a.example', // our own page
    ])('is accepted from %s', async (origin) => {
      expect(await call(origin)).toBe('ok');
    });

    it.each([
      ['http://xn--e1afmkfd.xn--p1ai', 'came: http://xn--e1afmkfd.xn--p1ai'],
      ['https://xn--e1afmkfd.xn--p1ai:8443', 'came: https://xn--e1afmkfd.xn--p1ai:8443'],
      ['https://evil.xn--e1afmkfd.xn--p1ai', 'came: https://evil.'],
      ['ionic://localhost', 'came: ionic://localhost'],
      ['https://localhost', 'came: https://localhost'],
      ['chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba', 'came: chrome-extension://ponm'],
      ['null', 'came: no origin'],
      ['https://xn--e1afmkfd.xn--p1ai/x', 'came: no origin'],
    ])('is refused from %s with the reason', async (origin, words) => {
      const result = await call(origin);
      expect(result).toMatch(/^origin_not_allowed: /);
      expect(result).toContain(words);
    });
  });
});

it('the page of a session may be framed by the listed origins, in the form that browsers compare', async () => {
  const tenant: TestTenant = await test.newTenant();
  const body = { allowedOrigins: ['https://пример.рф', 'capacitor://localhost'] };
  await test.call('PATCH', `/v1/admin/tenants/${tenant.id}`, { secret: ADMIN_KEY, body });
  const { session } = await test.create({}, tenant);
  const { headers } = await test.call('GET', `/connect/${session.id}`, { secret: null });
  expect(headers.get('content-security-policy')).toContain('frame-ancestors https://xn--e1afmkfd.xn--p1ai capacitor://localhost;');
});
