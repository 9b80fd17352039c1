/** Connections that show no ticket: what they may take from those who have one. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openTestGateway, type TestGateway } from './test-gateway.ts';
import { STREAM_TRANSPORTS } from './test-stream-clients.ts';
import { openSocket } from './test-websocket.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway({ maxConnections: 1 });
});
afterAll(() => test.close());

/** Open, and silent for good. */
async function openSilent(path: string): Promise<WebSocket> {
  const raw = new WebSocket(`${test.url.replace('http', 'ws')}${path}`, path === '/v1/ws' ? ['qrcast.v1'] : []);
  raw.on('error', () => undefined); // cut in the end
  await new Promise((resolve) => raw.once('open', resolve));
  return raw;
}

it.each(STREAM_TRANSPORTS)('take no place: $name finds the only one', async (transport) => {
  const silent = await Promise.all(
    ['/v1/ws', '/socket.io/?EIO=4&transport=websocket'].flatMap((path) => [openSilent(path), openSilent(path)]),
  );
  const wrong = openSocket(test.url);
  expect(await wrong.call({ type: 'subscribe', ticket: 'none' })).toMatchObject({ error: { code: 'unauthenticated' } });
  const { ticket } = await test.create();
  const client = transport.open({ url: test.url, ticket });
  await client.told.until('session');
  expect(silent.map(({ readyState }) => readyState)).toEqual(silent.map(() => WebSocket.OPEN));
  const closed = Promise.all(silent.map((raw) => new Promise((resolve) => raw.once('close', resolve))));
  for (const raw of silent) raw.terminate();
  await closed;
  client.close();
  await untilFree();
});

it('with a ticket that find no place are told so, each in its own words', async () => {
  const { ticket } = await test.create();
  const first = openSocket(test.url);
  expect(await first.call({ type: 'subscribe', ticket })).toMatchObject({ type: 'ok' });
  const second = openSocket(test.url);
  expect(await second.call({ type: 'subscribe', ticket })).toMatchObject({ error: { code: 'unavailable', retryable: true } });
  expect(await second.closed).toEqual({ code: 4000, reason: 'unavailable' });
  expect(await test.view(ticket).refused).toMatchObject({ code: 'unavailable', retryable: true });
  first.raw.close();
  await untilFree();
});

/** Whether there is a place can only be tried. */
async function untilFree(): Promise<void> {
  const { ticket } = await test.create();
  for (;;) {
    const socket = openSocket(test.url);
    const { type } = await socket.call({ type: 'subscribe', ticket });
    socket.raw.close();
    await socket.closed;
    if (type === 'ok') return;
  }
}
