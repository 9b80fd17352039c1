/**
 * Connections that never finish what they began. Each test waits as long as the gateway does. One
 * test of this kind is in hostile.redis.test.ts.
 */

import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { sendRaw, statuses } from '../../test/raw-http.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

describe('a connection', () => {
  it.concurrent.each([
    ['says nothing', []],
    ['sends half a header', ['GET /healthz HTTP/1.1\r\nHos']],
    ['shakes half a hand', ['GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n']],
    ['sends half a body', ['POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{']],
  ])('that %s is cut', async (_what, pieces) => {
    expect(statuses(await sendRaw(test.gateway.port, ...pieces)).join()).toMatch(/^(408)?$/);
  });

  it.concurrent.each([
    ['a header', 'GET /healthz HTTP/1.1\r\nHost: x\r\n', 'X: y\r\n'],
    ['a body', 'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n', ' '],
  ])('whose client sends %s byte by byte is cut as well', async (_what, head, drop) => {
    const socket = connect(test.gateway.port, '127.0.0.1');
    socket.on('error', () => undefined).write(head);
    const drip = setInterval(() => socket.write(drop), 200);
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(drip);
  });

  it.concurrent.each(['/v1/ws', '/socket.io/?EIO=4&transport=websocket'])(
    'that has shaken hands at %s and then says nothing is cut',
    async (path) => {
      const raw = new WebSocket(`${test.url.replace('http', 'ws')}${path}`);
      await new Promise((resolve) => raw.once('open', resolve));
      await new Promise((resolve) => raw.once('close', resolve));
    },
  );
});
