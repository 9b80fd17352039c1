/** Streams of all transports share the slots of a gateway. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { STREAM_TRANSPORTS, type StreamClient } from '../../test/stream-clients.ts';

let test: TestGateway;
const clients: StreamClient[] = [];
beforeEach(async () => {
  test = await openTestGateway({ maxConnections: STREAM_TRANSPORTS.length });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await test.close();
});

const untilViewers = async (sessionId: string, count: number): Promise<void> => {
  while ((await test.call('GET', `/v1/sessions/${sessionId}?visible=false`)).body.session.viewers !== count);
};

/** Opens one client over each transport, all of them held by the gateway. */
async function fill(): Promise<{ sessionId: string; ticket: string; after: number }> {
  const { session, ticket } = await test.create();
  const after = (await test.call('GET', `/v1/sessions/${session.id}`)).body.session.version;
  for (const { open } of STREAM_TRANSPORTS) clients.push(open({ url: test.url, ticket, after }));
  await untilViewers(session.id, STREAM_TRANSPORTS.length);
  return { sessionId: session.id, ticket, after };
}

it('refuses one more over every transport, and admits it when any other has left', async () => {
  const { sessionId, ticket, after } = await fill();
  for (const [i, transport] of STREAM_TRANSPORTS.entries()) {
    const late = transport.open({ url: test.url, ticket, after });
    expect(['unavailable', undefined], transport.name).toContain((await late.ended).code); // undici reports no code
    expect(late.told.order).toEqual([]);

    clients.shift()?.close();
    await untilViewers(sessionId, STREAM_TRANSPORTS.length - 1);
    const another = STREAM_TRANSPORTS[(i + 1) % STREAM_TRANSPORTS.length];
    const next = another?.open({ url: test.url, ticket, after }) ?? expect.unreachable('there are several');
    clients.push(next);
    await untilViewers(sessionId, STREAM_TRANSPORTS.length);
  }
  await test.showCode(sessionId, 'AAAA');
  await Promise.all(clients.map(({ told }) => told.until('session', ({ state }) => state === 'showing')));
});

it('spreads the closes over the drain', async () => {
  await fill();
  const startedAt = performance.now();
  const closed = test.gateway.close(900);
  for (const [i, transport] of STREAM_TRANSPORTS.entries()) {
    const { ended } = clients[i] ?? expect.unreachable('one each');
    if (transport.hasClosing) expect((await ended).code, transport.name).toBe('draining');
    else await ended.catch(() => undefined); // it was answered; its next request is refused, or finds no gateway
  }
  await closed;
  expect(performance.now() - startedAt).toBeGreaterThan((900 * (clients.length - 1)) / clients.length - 50);
});
