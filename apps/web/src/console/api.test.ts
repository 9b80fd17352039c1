import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createApi } from './api.ts';

const problem = (status: number, code: string, detail: string) =>
  new Response(JSON.stringify({ code, detail }), { status, headers: { 'content-type': 'application/problem+json' } });

async function callWith(response: () => Response) {
  const asked: { url: string; init: RequestInit }[] = [];
  const api = createApi('https://gw.example.com/qrcast/', 'qk_secret', async (url, init = {}) => {
    asked.push({ url: String(url), init });
    return response();
  });
  return { answer: await api.call('GET', '/v1/audit?limit=1'), asked };
}

it('sends the key in the header alone, below the path of the gateway', async () => {
  const { answer, asked } = await callWith(() => Response.json({ a: 1 }));
  expect(answer).toEqual({ ok: true, body: { a: 1 } });
  expect(asked[0]?.url).toBe('https://gw.example.com/qrcast/v1/audit?limit=1');
  expect(asked[0]?.init).toMatchObject({ headers: { authorization: 'Bearer qk_secret' }, credentials: 'omit', redirect: 'error' });
});

it.each([
  ['a wrong key', () => problem(401, 'unauthenticated', 'no'), 'wrongKey', 'no'],
  ['a suspended tenant', () => problem(403, 'forbidden', 'suspended'), 'forbidden', 'suspended'],
  ['too many', () => problem(429, 'too_many_requests', 'wait'), 'tooMany', 'wait'],
  ['a thing that is not there', () => problem(404, 'not_found', 'there is no such session'), 'other', 'there is no such session'],
  [
    'a call that is not there',
    () => problem(404, 'not_found', 'there is nothing at this path and method; /docs lists the calls'),
    'noApi',
    expect.any(String),
  ],
  ['a proxy that blocks it', () => new Response('<html>', { status: 404 }), 'noApi', null],
  ['a proxy without a gateway', () => new Response('<html>', { status: 502 }), 'noConnection', null],
  ['a page instead of an answer', () => new Response('<html>', { headers: { 'content-type': 'text/html' } }), 'noApi', null],
  [
    'no network',
    () => {
      throw new TypeError('failed');
    },
    'noConnection',
    null,
  ],
] as const)('tells %s from others', async (_, response, trouble, detail) => {
  expect((await callWith(response)).answer).toEqual({ ok: false, failure: { trouble, detail, retryAt: null } });
});

const NOW = 1_790_000_000_000;
beforeEach(() => void vi.useFakeTimers({ now: NOW, toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const refused = (status: number, retryAfter: string, body: object = { code: 'too_many_requests', detail: 'wait' }) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json', 'retry-after': retryAfter } });

it.each([
  ['seconds', () => refused(429, '7'), 7_000],
  ['a date', () => refused(429, new Date(NOW + 30_000).toUTCString()), 30_000],
  ['milliseconds of the gateway, which are more exact', () => refused(503, '2', { code: 'unavailable', retryAfterMs: 1_200 }), 1_200],
  ['a proxy that knows when it is back', () => new Response('<html>', { status: 502, headers: { 'retry-after': '3' } }), 3_000],
  ['more than an hour', () => refused(429, '999999'), 3_600_000],
])('knows when it may ask again: %s', async (_, response, ms) => {
  const { answer } = await callWith(response);
  expect(answer).toMatchObject({ failure: { retryAt: NOW + ms } });
});

it.each([
  ['a date that is over', () => refused(429, new Date(NOW - 1_000).toUTCString())],
  ['nonsense', () => refused(429, 'soon')],
  ['a time with a refusal that waiting does not change', () => refused(403, '7', { code: 'forbidden' })],
])('waits for nothing: %s', async (_, response) => {
  expect((await callWith(response)).answer).toMatchObject({ failure: { retryAt: null } });
});

it('sends no call before its time, and lets a stream be opened', async () => {
  const asked: string[] = [];
  const answers = [refused(429, '7'), new Response('', { headers: { 'content-type': 'text/event-stream' } }), Response.json({ a: 1 })];
  const api = createApi('https://gw.example.com/', 'qk_secret', async (url) => {
    asked.push(String(url));
    return answers.shift() ?? Response.error();
  });
  const first = await api.call('POST', '/v1/a');
  vi.setSystemTime(NOW + 6_999);
  expect(await api.call('GET', '/v1/b')).toEqual(first);
  expect(asked.length).toBe(1);
  expect((await api.open('/v1/overview', new AbortController().signal)).ok).toBe(true); // it has slots of its own
  vi.setSystemTime(NOW + 7_000);
  expect(await api.call('GET', '/v1/b')).toEqual({ ok: true, body: { a: 1 } });
});
