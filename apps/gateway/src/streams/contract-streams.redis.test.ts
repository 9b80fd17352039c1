/**
 * The AsyncAPI document and the running gateway agree. These tests cause every message and every
 * close code of the document, with stock clients. The same clients check in every test that opens a
 * stream that nothing else is ever sent.
 */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CLOSE_CODES } from '@qrcast/core/close-codes';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Body, openTestGateway, type TestGateway } from '../../test/gateway.ts';
import type { Told } from '../../test/recorder.ts';
import { STREAM_TRANSPORTS, type StreamClient } from '../../test/stream-clients.ts';
import { streamContract } from '../../test/stream-contract.ts';
import { openSocket, type TestSocket } from '../../test/websocket.ts';

/** A provider that accepts every password, and waits for a scan. */
let provider: Server;
let test: TestGateway;
const sockets: TestSocket[] = [];
const clients: StreamClient[] = [];

const apiUrl = (): string => `http://127.0.0.1:${(provider.address() as AddressInfo).port}`; // it listens on TCP

beforeAll(async () => {
  provider = createServer((_request, response) => {
    const taken = { status: true, data: { status: 'success', reason: '' }, stateInstance: 'notAuthorized' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(taken));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  test = await openTestGateway({ upstreamHosts: [apiUrl()] });
});
afterAll(async () => {
  for (const { raw } of sockets) raw.terminate();
  for (const client of clients) client.close();
  await test.close();
  await new Promise((resolve) => provider.close(resolve));
});

const create = (): Promise<Body> => test.create({ apiUrl: apiUrl() });

function openSse(url: string, ticket: string): StreamClient {
  const transport = STREAM_TRANSPORTS.find(({ name }) => name.includes('eventsource'));
  if (transport === undefined) throw new Error('there is no transport for Server-Sent Events');
  const client = transport.open({ url, ticket });
  clients.push(client);
  return client;
}

function socket(url = test.url): TestSocket {
  const opened = openSocket(url);
  sockets.push(opened);
  return opened;
}

function subscribing(ticket: string, url = test.url): TestSocket {
  const open = socket(url);
  open.send({ type: 'subscribe', ticket });
  return open;
}

/** Shows a code, and the same code again. */
async function showTwice(sessionId: string): Promise<void> {
  await test.showCode(sessionId, 'AAAA');
  await test.showCode(sessionId, 'AAAA');
}

/** A client that watches over a gateway, and is told to leave by it. */
async function sendAway(open: (gateway: TestGateway, ticket: string) => Pick<Told, 'until'>): Promise<void> {
  const gateway = await openTestGateway();
  const { ticket } = await gateway.create();
  const { until } = open(gateway, ticket);
  await until('session');
  await Promise.all([until('draining'), gateway.gateway.close(0)]);
  await gateway.close();
}

describe('the tests cause what the document promises', () => {
  it('over Socket.IO', async () => {
    const { session, ticket } = await create();
    const viewer = test.view(ticket, { auth: { formats: ['image'], after: 0 } });
    await viewer.until('session', ({ state }) => state === 'waiting');
    const sessionId = session.id;
    await showTwice(sessionId);
    await viewer.until('fresh');
    const { ticket: another, session: second } = await create();
    expect((await viewer.call('subscribe', { ticket: another })).ok).toBe(true);
    expect((await viewer.call('visible', { visible: false })).ok).toBe(true);
    expect((await viewer.call('visible', { visible: 1 })).ok).toBe(false);
    expect((await viewer.call('start_over', { sessionId })).ok).toBe(false);
    expect((await viewer.call('unsubscribe', { sessionId: second.id })).ok).toBe(true);
    await test.answer(sessionId, { kind: 'passwordWanted' });
    expect((await viewer.call('password', { sessionId, password: 'correct horse' })).ok).toBe(true);
    expect((await viewer.call('start_over', { sessionId })).ok).toBe(true);
    await test.passDeadline(sessionId);
    expect((await viewer.call('resume', { sessionId })).ok).toBe(true);
    await test.call('DELETE', `/v1/sessions/${sessionId}`);
    await viewer.until('closing');
    await test.view('no ticket').refused;
    await sendAway((gateway, theirs) => gateway.view(theirs));
  });

  it('over WebSocket', async () => {
    const { session, ticket } = await create();
    const sessionId = session.id;
    const open = socket();
    expect((await open.call({ type: 'subscribe', ticket, formats: ['text'], after: 0 })).type).toBe('ok');
    expect((await open.call({ type: 'ping' })).type).toBe('pong');
    expect((await open.call({ type: 'resume', sessionId })).type).toBe('error');
    expect((await open.call({ type: 'start_over', sessionId })).type).toBe('error');
    await open.until('session', ({ state }) => state === 'waiting');
    await showTwice(sessionId);
    await open.until('fresh');
    expect((await open.call({ type: 'visible', visible: true })).type).toBe('ok');
    await test.answer(sessionId, { kind: 'passwordWanted' });
    expect((await open.call({ type: 'password', sessionId, password: 'correct horse' })).type).toBe('ok');
    expect((await open.call({ type: 'start_over', sessionId })).type).toBe('ok');
    await test.passDeadline(sessionId);
    expect((await open.call({ type: 'resume', sessionId })).type).toBe('ok');
    expect((await open.call({ type: 'unsubscribe', sessionId })).type).toBe('ok');
    await sendAway(({ url }, theirs) => subscribing(theirs, url));
  });

  it('over Server-Sent Events', async () => {
    const { session, ticket } = await create();
    const { told, ended } = openSse(test.url, ticket);
    await told.until('session', ({ state }) => state === 'waiting');
    await showTwice(session.id);
    await told.until('fresh');
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    expect(await ended).toMatchObject({ code: 'done' });
    await sendAway(({ url }, theirs) => openSse(url, theirs).told);
  });

  /** Causes a WebSocket to be closed with each reason. */
  const CLOSED: Readonly<Partial<Record<keyof typeof CLOSE_CODES, () => Promise<TestSocket>>>> = {
    async done() {
      const { session, ticket } = await create();
      await test.call('DELETE', `/v1/sessions/${session.id}`);
      return subscribing(ticket);
    },
    unauthenticated: async () => subscribing('no ticket'),
    forbidden: async () => subscribing(await test.ticketFor((await create()).session.id, { scopes: ['password'] })),
    not_found: async () => subscribing(await test.ticketFor('ses_none')),
    ticket_expired: async () => subscribing(await test.ticketFor((await create()).session.id, { expiresAt: Date.now() - 1_000 })),
    async session_expired() {
      const past = Date.now() - 60_000;
      const gone = sampleSession({ tenantId: test.tenant.id, expiresAt: past + 30_000 }, past);
      await test.node.sessions.create(gone, '');
      return subscribing(await test.ticketFor(gone.id));
    },
    async ticket_revoked() {
      const { ticket, ticketId } = await create();
      await test.call('DELETE', `/v1/tickets/${ticketId}`);
      return subscribing(ticket);
    },
    async invalid_message() {
      const open = socket();
      await open.opened;
      open.raw.send('this is no JSON');
      return open;
    },
    async message_too_large() {
      const open = socket();
      open.send({ type: 'ping', ref: 'x'.repeat(20_000) });
      return open;
    },
    async too_many_requests() {
      const open = socket();
      for (let i = 0; i < 400; i++) open.send({ type: 'ping' });
      return open;
    },
    async unavailable() {
      const full = await openTestGateway({ maxConnections: 0 });
      const open = socket(full.url);
      open.send({ type: 'subscribe', ticket: (await full.create()).ticket });
      void open.closed.then(() => full.close());
      return open;
    },
    async draining() {
      const gateway = await openTestGateway();
      const open = socket(gateway.url);
      await open.opened;
      void gateway.close();
      return open;
    },
  };

  it.each(Object.entries(CLOSED))('with the close code of %s', async (word, bringAbout) => {
    const { closed } = await bringAbout();
    expect(await closed).toEqual({ code: CLOSE_CODES[word as keyof typeof CLOSED], reason: word }); // its own keys
  });

  it('and covers all of the document', () => {
    const missing = streamContract.promises.filter((promise) => !streamContract.seen.has(promise));
    expect(missing).toEqual([
      'close slow_consumer', // takes 15 s: delivery.test.ts, with a clock of its own
      'close subscribe_timeout', // takes 10 s: transports/websocket.redis.test.ts
    ]);
  });
});
