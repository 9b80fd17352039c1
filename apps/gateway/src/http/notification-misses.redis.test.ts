/**
 * An address that is almost the one for notifications: what the provider is answered, and what the
 * operator is told.
 */

import { createLog } from '@qrcast/runtime/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { sendRaw, statuses } from '../../test/raw-http.ts';
import { createNotificationMisses } from './notification-misses.ts';

const RIGHT = 'POST https://qrcast.example.com/v1/webhooks/green-api/<tenant id>';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway({ publicUrl: 'https://qrcast.example.com' });
});
afterAll(() => test.close());

/** Sent byte for byte, because clients normalize paths. */
async function notify(path: string, { token = test.tenant.webhookToken, body = '{}', method = 'POST', headers = '' } = {}) {
  const head = `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${headers}Connection: close`;
  const answer = await sendRaw(test.gateway.port, `${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  return { status: statuses(answer)[0], answer };
}

it('a slash at the end is accepted, and the notification takes effect', async () => {
  const { session, ticket } = await test.create();
  const viewer = test.view(ticket);
  await viewer.until('session', ({ state }) => state === 'waiting');
  const body = JSON.stringify({
    typeWebhook: 'stateInstanceChanged',
    instanceData: { idInstance: Number(session.instanceId), wid: '79990000000@c.us', typeInstance: 'v3' },
    timestamp: Math.floor(Date.now() / 1000) + 2,
    stateInstance: 'authorized',
  });
  expect((await notify(`/v1/webhooks/green-api/${test.tenant.id}/`, { body })).status).toBe('200');
  await viewer.until('session', ({ state }) => state === 'connected');
  expect((await notify(`/v1/webhooks/green-api/${test.tenant.id}/`, { token: 'wrong' })).status).toBe('401');
});

describe('an address that is almost right is answered 404 with the right form', () => {
  const paths: ((id: string) => string)[] = [
    (id) => `//v1/webhooks/green-api/${id}`,
    (id) => `/v1/webhooks/green-api/${id}//`,
    (id) => `/v1/webhooks//green-api/${id}`,
    (id) => `/V1/Webhooks/green-api/${id}`,
    (id) => `/v1/webhooks/green-api/${id.toUpperCase()}`,
    () => '/v1/webhooks/green-api/',
    () => '/v1/webhooks/green-api',
    (id) => `/v1/webhooks/green-api/${id}/1101000001`,
    (id) => `/v1/webhooks/green-api/%61${id.slice(1)}`,
    (id) => `/v1/webhooks/green%2dapi/${id}`,
    (id) => `/v1/%77ebhooks/green-api/${id}`,
    (id) => `/v1%2fwebhooks%2fgreen-api%2f${id}`,
    (id) => `/v1/webhooks/green-api/${id}%20`,
    (id) => `/v1/webhooks/green-api/${id}%zz`,
    (id) => `/webhooks/green-api/${id}`,
    (id) => `/v1/webhooks/${id}`,
    (id) => `/qrcast/v1/webhooks/green-api/${id}`,
    () => `/v1/webhooks/green-api/${'a'.repeat(300)}`,
    (id) => `/v1/webhooks/green-api/${id}.json`,
    (id) => `/v1\\webhooks\\green-api\\${id}`,
    (id) => `/v1/webhooks/green-api/${id}?token=wt_of-nobody`,
    (id) => `/v1/webhooks/green-api/${id}/?webhookToken=wt_of-nobody`,
    (id) => `/v1/webhooks/green-api/${id}?x=%zz`,
  ];
  it.each(paths.map((path) => [path('acme'), path]))('%s, also for a tenant that does not exist', async (_name, path) => {
    const known = await notify(path(test.tenant.id));
    const unknown = await notify(path('acme-nobody0'), { token: 'wt_of-nobody' });
    expect(known.status).toBe('404');
    expect(known.answer).toContain('application/problem+json');
    expect(known.answer).toContain(RIGHT);
    expect(known.answer).not.toContain(test.tenant.webhookToken);
    expect(known.answer).not.toContain(test.tenant.id);
    expect(known.answer).not.toContain('wt_of-nobody');
    expect(known.answer).not.toMatch(/^location:/im);
    expect(sameInAll(known.answer)).toBe(sameInAll(unknown.answer));
  });

  it('whatever the body is, which is not read', async () => {
    for (const body of ['no json', '', `"${'x'.repeat(200_000)}"`, '\u0000']) {
      expect((await notify('/v1/webhooks/green-api', { body })).status).toBe('404');
    }
  });

  it('by another method, and to a browser as well', async () => {
    const { status, answer } = await notify(`/v1/webhooks/green-api/${test.tenant.id}`, {
      method: 'GET',
      headers: 'Accept: text/html\r\n',
    });
    expect(status).toBe('404');
    expect(answer).toContain(RIGHT);
  });
});

/** Each answer has a date and an id of its own. */
const sameInAll = (answer: string): string => answer.replace(/^(date|x-request-id): .*$/gim, '');

it('the operator is warned once a minute for each kind, without any content of the request', () => {
  const lines: string[] = [];
  let now = 0;
  const log = createLog('test', 'info', { write: (line) => void lines.push(line) });
  const refuse = createNotificationMisses({ publicUrl: null, log, now: () => now });
  const send = (url: string): void => expect(refuse({ method: 'POST', url })?.code).toBe('not_found');
  const told = (): [string, number][] =>
    lines.splice(0).map((line) => {
      expect(line).not.toMatch(/acme|secret|anyone/);
      const { miss, leftOut, right } = JSON.parse(line) as { miss: string; leftOut: number; right: string };
      expect(right).toBe('POST /v1/webhooks/green-api/<tenant id>');
      return [miss, leftOut];
    });

  for (let i = 0; i < 500; i++) send(`/v1/webhooks/green-api//anyone-${i}`);
  send('/v1/webhooks/green-api/ACME');
  expect(told()).toEqual([
    ['double_slash', 0],
    ['wrong_case', 0],
  ]);
  now = 59_999;
  send('/v1/webhooks/green-api//acme');
  expect(told()).toEqual([]);
  now = 60_000;
  send('/v1/webhooks/green-api//acme');
  expect(told()).toEqual([['double_slash', 500]]);
});
