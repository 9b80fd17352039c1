/** A secret in a URL is refused wherever it is sent, because URLs are logged. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, type Body, openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { requestHead, sendRaw, statuses } from '../../test/raw-http.ts';
import { openViewer } from '../../test/viewer.ts';

let test: TestGateway;
let mine: Body;
beforeAll(async () => {
  test = await openTestGateway();
  mine = await test.create();
});
afterAll(() => test.close());

describe('a secret in the URL', () => {
  const names = [
    'ticket',
    'token',
    'api_key',
    'apiKey',
    'API-Key',
    'key',
    'access_token',
    'authorization',
    'password',
    'apiToken',
    'webhookToken',
  ];

  it.each(names)('as %s is invalid_request, even with a valid one in the header, and is not repeated', async (name) => {
    for (const path of [`/v1/sessions/${mine.session.id}`, '/v1/sessions', '/v1/admin/tenants', '/v1/nothing']) {
      const secret = path.includes('admin') ? ADMIN_KEY : test.tenant.apiKey;
      const { status, body, text } = await test.call('GET', `${path}?limit=1&${name}=${mine.ticket}`, { secret });
      expect([status, body.code]).toEqual([400, 'invalid_request']);
      expect(body.detail).toContain('Authorization: Bearer');
      expect(text).not.toContain(mine.ticket);
    }
  });

  it('opens no stream', async () => {
    const upgrade = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ];
    const open = (path: string) =>
      sendRaw(test.gateway.port, requestHead(`GET ${path}?ticket=${mine.ticket} HTTP/1.1`, 'Host: x', ...upgrade, 'Connection: close'));
    expect(statuses(await open('/v1/ws'))).toEqual(['400']);
    expect(statuses(await open('/socket.io/'))).toEqual(['400']);
    const polling = await fetch(`${test.url}/socket.io/?EIO=4&transport=polling&ticket=${mine.ticket}`);
    expect([polling.status, await polling.text()]).toEqual([403, expect.stringContaining('never in the URL')]);
    const sse = await test.call('GET', `/v1/sessions/self/events?ticket=${mine.ticket}`, { secret: mine.ticket });
    expect(sse.status).toBe(400);
    // The client sends this as a query.
    const viewer = openViewer(`${test.url}?ticket=${mine.ticket}`, mine.ticket, {});
    await new Promise((resolve) => viewer.socket.once('connect_error', resolve));
    viewer.socket.disconnect();
  });

  it('is not seen in a name that only looks like that of a secret', async () => {
    expect((await test.call('GET', '/v1/sessions?reference=token&limit=1')).status).toBe(200);
  });
});
