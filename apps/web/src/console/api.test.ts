import { expect, it } from 'vitest';
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
  expect((await callWith(response)).answer).toEqual({ ok: false, failure: { trouble, detail } });
});
