/** Connections without a ticket cannot take slots from those that have one. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { STREAM_TRANSPORTS } from '../../test/stream-clients.ts';
import { openSocket } from '../../test/websocket.ts';

const PATHS = ['/v1/ws', '/socket.io/?EIO=4&transport=websocket'];

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway({ maxConnections: 1 });
});
afterAll(() => test.close());

/** Opens a connection that never sends anything. */
async function openSilent(path: string, { url } = test, forwarded = ''): Promise<WebSocket> {
  const headers = { 'x-forwarded-for': forwarded };
  const raw = new WebSocket(`${url.replace('http', 'ws')}${path}`, path === '/v1/ws' ? ['qrcast.v1'] : [], { headers });
  raw.on('error', () => undefined); // cut in the end
  await new Promise((resolve) => raw.once('open', resolve));
  return raw;
}

it.each(STREAM_TRANSPORTS)('anonymous connections take no slot: $name gets the only one', async (transport) => {
  const silent = await Promise.all(PATHS.flatMap((path) => [openSilent(path), openSilent(path)]));
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

it('connections with a ticket are refused while no slot is free, in the form of each transport', async () => {
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

describe('anonymous connections in a burst from one address', () => {
  const MAX_ANONYMOUS = 6;
  const BURST = 30;

  it.each([
    ['evict none of another address', ['127.0.0.1'], WebSocket.OPEN],
    ['(twin) evict the oldest of all behind a proxy that is not trusted', [], WebSocket.CLOSED],
  ])('%s', async (_what, trustedProxies, stateOfLone) => {
    const small = await openTestGateway({ maxAnonymous: MAX_ANONYMOUS, trustedProxies });
    const lone: WebSocket[] = [];
    for (const path of PATHS) lone.push(await openSilent(path, small, '203.0.113.8'));
    const many: WebSocket[] = [];
    for (let i = 0; i < BURST; i++) many.push(await openSilent(PATHS[i % PATHS.length] ?? '', small, '203.0.113.7'));
    await Promise.all([...lone, ...many].map(untilHeard));
    expect(lone.map(({ readyState }) => readyState)).toEqual(lone.map(() => stateOfLone));
    expect([...lone, ...many].filter(({ readyState }) => readyState === WebSocket.OPEN)).toHaveLength(MAX_ANONYMOUS);
    await small.close();
  });
});

/** Resolves when the server answers or the connection has ended: a cut may not have arrived yet. */
function untilHeard(raw: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    if (raw.readyState === WebSocket.CLOSED) return resolve();
    raw.once('pong', () => resolve()).once('close', () => resolve());
    raw.ping();
  });
}

/** Tries until a slot is free: there is no other way to know. */
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
