/**
 * Other tenants lose nothing under a thousand requests that never end and a flood of handshakes.
 */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { floodHandshakes, openSlowLoris } from '../../test/flood.ts';
import { openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { STREAM_TRANSPORTS, type StreamClient } from '../../test/stream-clients.ts';

const HALF_OPEN = 1_000;
const HANDSHAKES = 2_000;
const AT_ONCE = 100;
const CHANGES = 100;

let test: TestGateway;
let stopSlowLoris: () => void;
beforeAll(async () => {
  test = await openTestGateway({ maxConnections: 300 }); // the half-open requests alone would fill it
  stopSlowLoris = await openSlowLoris(test.gateway.port, HALF_OPEN);
});
afterAll(async () => {
  stopSlowLoris();
  await test.close();
});

it('viewers get each newest state, new viewers are admitted, and calls are answered', async () => {
  const { session, ticket } = await test.create();
  const views = (): StreamClient[] => STREAM_TRANSPORTS.map((transport) => transport.open({ url: test.url, ticket }));
  const early = views();
  await Promise.all(early.map(({ told }) => told.until('session')));

  let isOver = false;
  const flood = floodHandshakes(test.url, HANDSHAKES, AT_ONCE, 'no-ticket-of-ours').finally(() => {
    isOver = true;
  });
  const late = views();
  await Promise.all(late.map(({ told }) => told.until('session')));
  expect(isOver).toBe(false);
  for (let changes = 0; !isOver || changes < CHANGES; changes++) await test.showCode(session.id, `CODE${changes}`);
  const { version } = await test.showCode(session.id, 'LAST');
  const clients = [...early, ...late];
  await Promise.all(clients.map(({ told }) => told.until('session', (shown) => shown.version === version)));
  for (const { told } of clients) {
    const versions = told.all('session').map((shown) => shown.version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  }
  expect((await test.call('GET', `/v1/sessions/${session.id}`)).status).toBe(200);
  expect((await test.create()).session.state).toBe('idle');
  expect(await flood).toEqual({ unauthenticated: HANDSHAKES });
  for (const client of clients) client.close();
});
