/** More clients connect at once than a gateway takes. */

import { io } from 'socket.io-client';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openTestGateway, type TestGateway, type TestGatewayOptions } from '../../test/gateway.ts';
import { STREAM_TRANSPORTS, type StreamClient } from '../../test/stream-clients.ts';

/** So few that the bucket does not refill while a slow machine makes its connects. */
const PER_SECOND = 4;
const STORM = 100;

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function openGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const test = await openTestGateway(options);
  open.push(test);
  return test;
}

interface Refusal {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly allowOrigin: string | null;
  readonly text: string;
}

const ORIGIN = 'https://page.example';

async function get(url: string, ticket: string): Promise<Refusal> {
  const abort = new AbortController();
  const { status, headers, body } = await fetch(url, {
    headers: { authorization: `Bearer ${ticket}`, origin: ORIGIN },
    signal: abort.signal,
  });
  const text = status === 200 ? '' : await new Response(body).text();
  abort.abort();
  return { status, retryAfter: headers.get('retry-after'), allowOrigin: headers.get('access-control-allow-origin'), text };
}

function upgrade(url: string): Promise<Refusal> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers: { origin: ORIGIN } });
  socket.on('error', () => undefined); // the refusal is read below
  return new Promise((resolve) => {
    socket.once('open', () => {
      socket.terminate();
      resolve({ status: 101, retryAfter: null, allowOrigin: '*', text: '' });
    });
    socket.once('unexpected-response', (request, { statusCode: status = 0, headers }) => {
      request.destroy();
      resolve({ status, retryAfter: headers['retry-after'] ?? null, allowOrigin: '*', text: '' });
    });
  });
}

const CONNECTS: readonly [name: string, connect: (url: string, ticket: string) => Promise<Refusal>][] = [
  ['WebSocket', (url) => upgrade(`${url}/v1/ws`)],
  ['Socket.IO over WebSocket', (url) => upgrade(`${url}/socket.io/?EIO=4&transport=websocket`)],
  ['Socket.IO over polling', (url, ticket) => get(`${url}/socket.io/?EIO=4&transport=polling`, ticket)],
  ['Server-Sent Events', (url, ticket) => get(`${url}/v1/sessions/self/events`, ticket)],
  ['long-poll', (url, ticket) => get(`${url}/v1/sessions/self?wait=1`, ticket)],
];

const storm = (connect: () => Promise<Refusal>): Promise<Refusal[]> => Promise.all(Array.from({ length: STORM }, connect));

describe('too many connects', () => {
  it.each(CONNECTS)('over %s are answered 503 and when to return, at different times', async (_name, connect) => {
    const { url, create } = await openGateway({ connectsPerSecond: PER_SECOND });
    const { ticket } = await create();
    const refused = (await storm(() => connect(url, ticket))).filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(STORM / 2);
    const hints = refused.map(({ retryAfter }) => Number(retryAfter));
    for (const hint of hints) expect([1, 2, 3, 4, 5]).toContain(hint);
    expect(new Set(hints).size).toBeGreaterThan(1);
    expect(new Set(refused.map(({ allowOrigin }) => allowOrigin))).toEqual(new Set(['*']));
    for (const { text } of refused.filter((one) => one.text !== '')) {
      const problem = JSON.parse(text) as { retryAfterMs: number };
      expect(problem).toMatchObject({ code: 'unavailable', status: 503, retryable: true });
      expect(problem.retryAfterMs).toBeGreaterThanOrEqual(1_000);
    }
  });

  it.each(CONNECTS)('(twin) over %s are all admitted without the setting', async (_name, connect) => {
    const { url, create } = await openGateway({});
    const { ticket } = await create();
    expect((await storm(() => connect(url, ticket))).filter(({ status }) => status === 503)).toEqual([]);
  });

  it('are refused before their ticket is looked at, and leave alone who is connected and who calls the API', async () => {
    const test = await openGateway({ connectsPerSecond: 4 * STREAM_TRANSPORTS.length });
    const { session, ticket } = await test.create();
    const { version } = (await test.call('GET', `/v1/sessions/${session.id}`)).body.session;
    const clients: StreamClient[] = STREAM_TRANSPORTS.map((transport) => transport.open({ url: test.url, ticket, after: version }));
    for (const client of clients) open.push(client);
    while ((await test.call('GET', `/v1/sessions/${session.id}?visible=false`)).body.session.viewers !== STREAM_TRANSPORTS.length);
    const noTicket = 'this.is.no.ticket';
    const answers = await storm(() => get(`${test.url}/v1/sessions/self/events`, noTicket));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 503]));

    // The bucket is empty, and these are served.
    expect((await test.call('GET', `/v1/sessions/${session.id}`)).status).toBe(200);
    expect((await test.create()).session.state).toBe('idle');
    await test.showCode(session.id, 'AAAA');
    // A held request has its answer now, and its next one may have to wait.
    const streams = clients.filter((_client, i) => STREAM_TRANSPORTS[i]?.name !== 'long-poll');
    await Promise.all(streams.map(({ told }) => told.until('session', ({ state }) => state === 'showing')));
  });

  it('bring a stock Socket.IO client back by itself', async () => {
    const { url, create } = await openGateway({ connectsPerSecond: 1 });
    const { ticket } = await create();
    const sockets = Array.from({ length: 4 }, () =>
      io(url, { auth: { ticket }, transports: ['websocket'], forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 400 }),
    );
    for (const socket of sockets) open.push({ close: () => void socket.disconnect() });
    const refused: string[] = [];
    for (const socket of sockets) socket.on('connect_error', ({ message }) => refused.push(message));
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('session', resolve))));
    expect(refused).toContain('websocket error');
  });
});
