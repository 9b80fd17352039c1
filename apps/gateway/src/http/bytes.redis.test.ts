/**
 * Bodies and messages that are not UTF-8 are refused before anything acts on them, whatever
 * transport brings them.
 */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/core/upstream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ADMIN_KEY, type Body, newInstance, openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
let provider: Server;
/** Passwords that reached the provider. */
let tries = 0;
beforeAll(async () => {
  provider = createServer((request, response) => {
    if (request.url?.includes('/sendAuthorizationPassword/') === true) tries += 1;
    request.resume();
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end('{"status":true,"data":{"status":"fail","reason":"invalid_password"}}');
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  test = await openTestGateway({ upstreamHosts: [...DEFAULT_UPSTREAM_HOSTS, apiUrl()] });
});
afterAll(async () => {
  await test.close();
  await new Promise((resolve) => provider.close(resolve));
});

const apiUrl = (): string => `http://127.0.0.1:${(provider.address() as AddressInfo).port}`; // it listens on TCP

async function waitingForPassword(): Promise<Body> {
  const body = await test.create({ ...newInstance(), apiUrl: apiUrl() });
  await test.call('GET', `/v1/sessions/${body.session.id}`);
  await test.answer(body.session.id, { kind: 'passwordWanted' });
  return body;
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

async function send(
  method: string,
  path: string,
  secret: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Refusal> {
  const response = await fetch(`${test.url}${path}`, {
    method,
    body,
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...headers },
  });
  const text = await response.text();
  return { ...(text === '' ? {} : JSON.parse(text)), status: response.status };
}

/** JSON with one byte for each character, as in latin-1 or cp1251. */
const oneByteEach = (text: string): Buffer => Buffer.from(text, 'latin1');
const utf32 = (text: string, isLittle: boolean): Buffer => {
  const buffer = Buffer.alloc(text.length * 4 + 4);
  for (const [i, character] of ['\uFEFF', ...text].entries()) {
    if (isLittle) buffer.writeUInt32LE(character.charCodeAt(0), i * 4);
    else buffer.writeUInt32BE(character.charCodeAt(0), i * 4);
  }
  return buffer;
};

const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

/** All of them are `{"<field>": "<not UTF-8>"}`. */
const NOT_UTF8: readonly (readonly [what: string, make: (field: string) => Buffer])[] = [
  ['cp1251', (field) => oneByteEach(`{"${field}": "\xe7\xe0\xea\xe0\xe7"}`)],
  ['latin-1', (field) => oneByteEach(`{"${field}": "caf\xe9"}`)],
  ['an overlong form', (field) => oneByteEach(`{"${field}": "\xc0\xaf"}`)],
  ['a surrogate in bytes', (field) => oneByteEach(`{"${field}": "\xed\xa0\x80"}`)],
  ['KOI8-R', (field) => oneByteEach(`{"${field}": "\xda\xc1\xcb\xc1\xda"}`)],
  ['cp866', (field) => oneByteEach(`{"${field}": "\xa7\xa0\xaa\xa0\xa7"}`)],
  ['GB18030', (field) => oneByteEach(`{"${field}": "\xb6\xa9\xb5\xa5"}`)],
  ['a cut character', (field) => oneByteEach(`{"${field}": "\xf0\x9f\x98"}`)],
  ['UTF-16LE with its mark', (field) => Buffer.from(`\uFEFF{"${field}": "x"}`, 'utf16le')],
  ['UTF-16BE with its mark', (field) => utf16be(`\uFEFF{"${field}": "x"}`)],
  ['UTF-16LE without', (field) => Buffer.from(`{"${field}": "x"}`, 'utf16le')],
  ['UTF-16BE without', (field) => utf16be(`{"${field}": "x"}`)],
  ['UTF-32LE', (field) => utf32(`{"${field}": "x"}`, true)],
  ['UTF-32BE', (field) => utf32(`{"${field}": "x"}`, false)],
  ['a lone surrogate, escaped', (field) => Buffer.from(`{"${field}": "a\\ud800b"}`)],
  ['a pair the wrong way round', (field) => Buffer.from(`{"${field}": "\\ude00\\uD83D"}`)],
  ['a second byte-order mark', (field) => Buffer.from(`\uFEFF\uFEFF{"${field}": "x"}`)],
  ['gzip', () => Buffer.from([0x1f, 0x8b, 0x08, 0x00])],
];

describe('a body that is not UTF-8 is refused, and the provider is not asked', () => {
  it.each(NOT_UTF8)('%s', async (_what, make) => {
    const { session, ticket } = await waitingForPassword();
    const before = tries;
    const key = test.tenant.apiKey;
    const routes = [
      ['POST', '/v1/sessions', key, 'reference'],
      ['POST', `/v1/sessions/${session.id}/password`, ticket, 'password'],
      ['POST', `/v1/sessions/${session.id}/tickets`, key, 'scopes'],
      ['POST', `/v1/sessions/${session.id}/webhook`, key, 'webhookToken'],
      ['POST', '/v1/admin/tenants', ADMIN_KEY, 'name'],
      ['PATCH', `/v1/admin/tenants/${test.tenant.id}`, ADMIN_KEY, 'name'],
    ] as const;
    for (const [method, path, secret, field] of routes) {
      const refusal = await send(method, path, secret, new Uint8Array(make(field)));
      expect([path, refusal.status, refusal.code]).toEqual([path, 400, 'invalid_request']);
    }
    expect(tries).toBe(before);
  });

  it('says what was expected', async () => {
    const refusal = await send('POST', '/v1/sessions', test.tenant.apiKey, new Uint8Array(oneByteEach('{"reference": "\xe7"}')));
    expect(refusal.detail).toContain('UTF-8');
    const lone = { ...newInstance(), reference: '\ud800' };
    expect((await test.call('POST', '/v1/sessions', { body: lone })).body.detail).toBe(
      'reference: expected text without half a surrogate pair (came: string of 1)',
    );
  });

  it('also if only the name of a field is not UTF-8', async () => {
    expect(await send('POST', '/v1/sessions', test.tenant.apiKey, '{"\\ud800": 1}')).toMatchObject({ status: 400 });
  });
});

describe('another declared charset is refused', () => {
  it.each(['windows-1251', '"cp1251"', 'ISO-8859-1', 'us-ascii', 'utf-16', 'UTF-32', 'utf-7', 'no-such-charset', 'utf-8; charset=koi8-r'])(
    '%s',
    async (charset) => {
      const { session, ticket } = await waitingForPassword();
      const before = tries;
      const type = { 'content-type': `application/json; charset=${charset}` };
      const refusal = await send('POST', `/v1/sessions/${session.id}/password`, ticket, '{"password":"x"}', type);
      expect([refusal.status, refusal.code]).toEqual([415, 'unsupported_media_type']);
      expect((await send('POST', '/v1/sessions', test.tenant.apiKey, '{}', type)).status).toBe(415);
      expect((await send('POST', '/v1/admin/tenants', ADMIN_KEY, '{}', type)).status).toBe(415);
      expect(tries).toBe(before);
    },
  );

  it.each(['gzip', 'br', 'deflate', 'x-unknown', 'x-gzip', 'identity, gzip'])('so is a body with the content coding %s', async (coding) => {
    expect(await send('POST', '/v1/sessions', test.tenant.apiKey, '{}', { 'content-encoding': coding })).toMatchObject({ status: 415 });
  });
});

it.each(['text/plain', 'text/plain; charset=windows-1251', 'multipart/form-data; boundary=x', 'application/json charset=cp1251'])(
  'a body of another type is refused with the one that is expected: %s',
  async (type) => {
    const refusal = await send('POST', '/v1/sessions', test.tenant.apiKey, '{}', { 'content-type': type });
    expect([refusal.status, refusal.detail]).toEqual([400, 'expected the header Content-Type: application/json']);
  },
);

describe('UTF-8 is accepted', () => {
  it.each(['', 'identity', 'Identity, identity'])('with an empty content coding: %j', async (coding) => {
    const body = JSON.stringify(newInstance());
    const headers = { 'content-encoding': coding };
    expect(await send('POST', '/v1/sessions', test.tenant.apiKey, body, headers)).toMatchObject({ status: 201 });
  });

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"',
    'Application/JSON; Charset=utf8',
    "application/json; charset='UTF8'",
  ])('declared as %s', async (type) => {
    const body = JSON.stringify({ ...newInstance(), reference: 'заказ № 7 😀' });
    expect(await send('POST', '/v1/sessions', test.tenant.apiKey, body, { 'content-type': type })).toMatchObject({
      status: 201,
      session: { reference: 'заказ № 7 😀' },
    });
  });

  it.each([
    ['with one byte-order mark', (body: string) => `\uFEFF${body}`, 'заказ'],
    ['with a pair of surrogates, escaped', (body: string) => body.replace('заказ', '\\ud83d\\ude00'), '😀'],
    ['with a backslash before what is no escape', (body: string) => body.replace('заказ', '\\\\ud800'), '\\ud800'],
    ['with a replacement character that was sent as one', (body: string) => body.replace('заказ', '\uFFFD'), '\uFFFD'],
  ])('%s', async (_what, change, reference) => {
    const body = change(JSON.stringify({ ...newInstance(), reference: 'заказ' }));
    expect(await send('POST', '/v1/sessions', test.tenant.apiKey, body)).toMatchObject({ status: 201, session: { reference } });
  });

  it('a byte-order mark alone counts as no body, like an empty body', async () => {
    const { session, ticket } = await test.create();
    await test.passDeadline(session.id);
    expect(await send('POST', `/v1/sessions/${session.id}/resume`, ticket, '\uFEFF')).toMatchObject({ status: 200 });
    await test.passDeadline(session.id);
    // As `fetch` declares an empty string.
    const text = { 'content-type': 'text/plain;charset=UTF-8' };
    expect(await send('POST', `/v1/sessions/${session.id}/resume`, ticket, '', text)).toMatchObject({ status: 200 });
    const none = { 'content-type': 'application/json; charset=windows-1251' };
    expect((await send('DELETE', `/v1/sessions/${session.id}`, test.tenant.apiKey, '', none)).status).toBe(204);
  });
});

it.each(['%E7%E0', '%C0%AF', '%ED%A0%80', 'a%', '%zz', '%FF%FE'])('a query that is not UTF-8 is refused: %s', async (reference) => {
  const answer = await test.call('GET', `/v1/sessions?reference=${reference}`);
  expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
});

describe('over a WebSocket', () => {
  async function open(): Promise<WebSocket> {
    const socket = new WebSocket(`${test.url.replace('http', 'ws')}/v1/ws`, 'qrcast.v1', { skipUTF8Validation: true });
    await once(socket, 'open');
    return socket;
  }
  const next = async (socket: WebSocket): Promise<{ type: string; error?: Refusal }> =>
    JSON.parse(String((await once(socket, 'message'))[0]));

  it.each(NOT_UTF8.slice(0, 14))('a frame is refused: %s', async (_what, make) => {
    const before = tries;
    const { session, ticket } = await waitingForPassword();
    const socket = await open();
    socket.send(JSON.stringify({ type: 'subscribe', ticket, formats: ['text'] }));
    await next(socket);
    const frame = make('password').toString('latin1').replace('{', `{"type":"password","sessionId":"${session.id}",`);
    socket.send(Buffer.from(frame, 'latin1'), { binary: false });
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([code, String(reason)]).toEqual([4500, 'invalid_message']);
    expect(tries).toBe(before);
  });

  it('half a surrogate pair is refused, one byte-order mark is dropped', async () => {
    const before = tries;
    const { session, ticket } = await waitingForPassword();
    const socket = await open();
    socket.send(`\uFEFF${JSON.stringify({ type: 'subscribe', ref: 1, ticket, formats: ['text'] })}`);
    expect(await next(socket)).toMatchObject({ type: 'ok', ref: 1 });
    const answered = new Promise<unknown>((resolve) => {
      socket.on('message', (data) => void (String(data).includes('"error"') && resolve(JSON.parse(String(data)))));
    });
    socket.send(`{"type":"password","ref":2,"sessionId":"${session.id}","password":"\\ud800"}`);
    expect(await answered).toMatchObject({ ref: 2, error: { code: 'invalid_request' } });
    expect(tries).toBe(before);
    socket.terminate();
  });
});

describe('over Socket.IO', () => {
  it.each(['websocket', 'polling'] as const)('a password that lost its bytes is refused (%s)', async (transport) => {
    const before = tries;
    const { session, ticket } = await waitingForPassword();
    const viewer = test.view(ticket, { transports: [transport] });
    await viewer.until('session');
    for (const password of ['a\ud800b', 'secret\uFFFD']) {
      expect(await viewer.call('password', { sessionId: session.id, password })).toMatchObject({ error: { code: 'invalid_request' } });
    }
    expect(tries).toBe(before);
  });

  /** A hand-written client: a handshake over polling, until events may be sent. */
  async function poll(ticket: string): Promise<{ post(body: Buffer, type?: string): Promise<number>; get(): Promise<string> }> {
    const base = `${test.url}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(base)).text()).slice(1)) as { sid: string };
    const url = `${base}&sid=${sid}`;
    const post = async (body: Buffer, type = 'text/plain;charset=UTF-8'): Promise<number> =>
      (await fetch(url, { method: 'POST', body: new Uint8Array(body), headers: { 'content-type': type } })).status;
    const get = async (): Promise<string> => (await fetch(url)).text();
    expect(await post(Buffer.from(`40${JSON.stringify({ ticket, formats: ['text'] })}`))).toBe(200);
    while (!(await get()).includes('40{'));
    return { post, get };
  }

  it.each([
    ['cp1251', '\xe7\xe0\xea\xe0\xe7'],
    ['an overlong form', '\xc0\xaf'],
    ['a surrogate', '\xed\xa0\x80'],
  ])('polled bytes that are not UTF-8 are refused: %s', async (_what, password) => {
    const before = tries;
    const { session, ticket } = await waitingForPassword();
    const { post } = await poll(ticket);
    expect(await post(oneByteEach(`42["password",{"sessionId":"${session.id}","password":"${password}"}]`))).toBe(400);
    expect(tries).toBe(before);
  });

  it('another declared charset is refused, UTF-8 that comes in pieces is accepted', async () => {
    const { session, ticket } = await waitingForPassword();
    const { post } = await poll(ticket);
    const event = (password: string): Buffer => Buffer.from(`42["password",{"sessionId":"${session.id}","password":"${password}"}]`);
    expect(await post(event('x'), 'text/plain; charset=windows-1251')).toBe(415);
    const before = tries;
    expect(await post(event('пароль'))).toBe(200);
    while (tries === before) await new Promise(setImmediate);
  });
});
