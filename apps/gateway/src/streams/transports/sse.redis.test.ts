import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { toProblem } from '@qrcast/core/errors';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import { EventSourcePolyfill } from 'event-source-polyfill';
import { EventSource } from 'eventsource';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { NOT_HELD_UP_MS, openTestGateway, type TestGateway } from '../../../test/gateway.ts';
import { COMMENT_EVERY_MS } from '../event-stream.ts';

let test: TestGateway;
let gone: AbortController;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());
afterEach(() => gone?.abort());

interface Stream {
  readonly response: Response;
  readonly text: string;
  /** Resolves to the whole text when it contains `part`. */
  until(part: string): Promise<string>;
  /** Resolves to the whole text when the stream has ended. */
  readonly ended: Promise<string>;
}

/** Reads the stream as bytes, not as a client would. */
async function openStream(ticket: string, { path = '/v1/sessions/self/events', url = test.url, headers = {} } = {}): Promise<Stream> {
  gone = new AbortController();
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${ticket}`, ...headers }, signal: gone.signal });
  let text = '';
  let look: () => void = () => undefined;
  const ended = (async () => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      look();
    }
    return text;
  })();
  ended.catch(() => undefined); // the test has abandoned it
  return {
    response,
    get text() {
      return text;
    },
    until: (part) =>
      new Promise((resolve) => {
        look = () => text.includes(part) && resolve(text);
        look();
      }),
    ended,
  };
}

/** The events of a stream: fields by name. */
const eventsOf = (text: string): Record<string, string>[] =>
  text
    .split('\n\n')
    .filter((block) => block.includes('data: '))
    .map((block) => Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2))));

describe('GET /v1/sessions/{id}/events', () => {
  it('begins at once, with the headers that proxies and clients need', async () => {
    const { session, ticket } = await test.create();
    const { version } = (await test.call('GET', `/v1/sessions/${session.id}`)).body.session;
    const headers = { 'last-event-id': String(version), origin: 'https://app.example.com' }; // nothing newer is to be sent yet
    const { response, until } = await openStream(ticket, { headers });
    expect(response.status).toBe(200);
    for (const [name, value] of [
      ['content-type', 'text/event-stream; charset=utf-8'],
      ['cache-control', 'no-store, no-transform'],
      ['x-accel-buffering', 'no'],
      ['x-content-type-options', 'nosniff'],
      ['access-control-allow-origin', '*'],
    ] as const) {
      expect(response.headers.get(name)).toBe(value);
    }
    expect(response.headers.get('content-length')).toBeNull();
    const retryMs = Number(/^retry: (\d+)\n\n$/.exec(await until('\n\n'))?.[1]);
    expect(retryMs).toBeGreaterThanOrEqual(1_000);
    expect(retryMs).toBeLessThanOrEqual(3_000);
  });

  it('names each stream a random time to wait before it reconnects', async () => {
    const { ticket } = await test.create();
    const waits = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const { until } = await openStream(ticket);
        const text = await until('\n\n');
        return /retry: (\d+)/.exec(text)?.[1];
      }),
    );
    expect(new Set(waits).size).toBeGreaterThan(1);
  });

  it('sends events with the version as their id, and closing last and without an id', async () => {
    const { session, ticket } = await test.create();
    const stream = await openStream(ticket);
    await stream.until('"state":"waiting"');
    await test.showCode(session.id, 'AAAA');
    await stream.until('"state":"showing"');
    await test.showCode(session.id, 'AAAA');
    await stream.until('event: fresh');
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    const events = eventsOf(await stream.ended);
    expect(events.slice(-4).map(({ event }) => event)).toEqual(['session', 'fresh', 'session', 'closing']);
    for (const { event, id, data = '' } of events) if (event !== 'closing') expect(JSON.parse(data).version).toBe(Number(id));
    expect(events.at(-1)).toEqual({ event: 'closing', data: '{"code":"done","number":1000,"retryable":false}' });
  });

  it("is served for the tenant's key by id, and to nobody else", async () => {
    const { session, ticket } = await test.create();
    const foreign = await test.newTenant();
    const path = `/v1/sessions/${session.id}/events`;
    const stream = await openStream(test.tenant.apiKey, { path });
    await stream.until('"state":"waiting"');
    expect((await openStream(ticket, { path })).response.status).toBe(200);
    const other = await test.create();
    for (const [secret, where, code] of [
      [test.tenant.apiKey, '/v1/sessions/self/events', 'not_found'],
      [foreign.apiKey, path, 'not_found'],
      [other.ticket, path, 'not_found'],
      ['none', path, 'unauthenticated'],
      [ticket, `${path}?formats=video`, 'invalid_request'],
      [ticket, `${path}?ticket=${ticket}`, 'invalid_request'],
      [ticket, `${path}?visible=maybe`, 'invalid_request'],
    ] as const) {
      const { status, headers, body, text } = await test.call('GET', where, { secret });
      expect([status, body.code]).toEqual([toProblem({ code } as Parameters<typeof toProblem>[0]).status, code]);
      expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(text).not.toContain(ticket);
    }
    expect((await fetch(`${test.url}${path}`, { method: 'HEAD', headers: { authorization: `Bearer ${ticket}` } })).status).toBe(404);
  });

  it.each(['', 'x', '-1', '1.5', '9'.repeat(20)])('reads no version from Last-Event-ID: %j', async (id) => {
    const { ticket } = await test.create();
    const { until } = await openStream(ticket, { headers: { 'last-event-id': id } });
    await until('event: session');
  });

  it.each(['lastEventId', 'lastEventID', 'last_event_id', 'Last-Event-ID', 'evs_preamble=2056&evs_last_event_id'])(
    'takes the version from the query as from the header: %s',
    async (name) => {
      const { session, ticket } = await test.create();
      await test.call('DELETE', `/v1/sessions/${session.id}`);
      const final = String((await test.stored(session.id)).version);
      const at = (id: string, headers = {}) => openStream(ticket, { path: `/v1/sessions/self/events?${name}=${id}`, headers });
      expect((await at(final)).response.status).toBe(204);
      for (const id of ['1', '', 'x', '900000000']) expect((await at(id)).response.status).toBe(200);
      expect((await at(final, { 'last-event-id': '1' })).response.status).toBe(200); // the header wins
      expect((await at('1', { 'last-event-id': final })).response.status).toBe(204);
      expect((await at(final, { 'last-event-id': '' })).response.status).toBe(204);
      expect((await at('', { 'last-event-id': `1, ${final}` })).response.status).toBe(204);
    },
  );

  it.each(['event-source-polyfill', 'eventsource'])(
    'sends the stock client %s nothing twice after its connection was cut',
    async (name) => {
      const { session, ticket } = await test.create();
      await test.call('GET', '/v1/sessions/self', { secret: ticket }); // watched: a code for an idle session would not be sent
      const proxy = await openTestProxy(test.gateway.port);
      const url = `http://127.0.0.1:${proxy.port}/v1/sessions/self/events?formats=text`;
      const headers = { authorization: `Bearer ${ticket}` };
      /** What both clients' types have in common. */
      const source: Pick<EventTarget, 'addEventListener'> & { close(): void } =
        name === 'eventsource'
          ? new EventSource(url, { fetch: (at, init) => fetch(at, { ...init, headers: { ...init.headers, ...headers } }) })
          : new EventSourcePolyfill(url, { headers });
      const versions: number[] = [];
      let [opened, looking] = [0, () => undefined as unknown];
      source.addEventListener('session', (event) => {
        versions.push(Number((event as MessageEvent).lastEventId)); // typed as any event
        looking();
      });
      source.addEventListener('open', () => {
        opened += 1;
        looking();
      });
      const until = (fits: () => boolean) =>
        new Promise<void>((resolve) => {
          looking = () => fits() && resolve();
          looking();
        });

      await until(() => versions.length > 0); // it is watched: a code before that could be skipped for a newer version
      const { version } = await test.showCode(session.id, 'AAAA');
      await until(() => versions.includes(version));
      const said = vi.spyOn(console, 'error').mockReturnValue(); // the polyfill logs each lost connection to the console
      proxy.cut();
      await until(() => opened === 2);
      said.mockRestore();
      const next = await test.showCode(session.id, 'BBBB');
      await until(() => versions.includes(next.version));
      source.close();
      await proxy.close();

      expect(versions).toEqual([...new Set(versions)]);
      expect(opened).toBe(2);
    },
  );

  it('ends with the final version: with 204 if the client has it, otherwise with closing', async () => {
    const { session, ticket } = await test.create();
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    const final = String((await test.stored(session.id)).version);
    const behind = await openStream(ticket, { headers: { 'last-event-id': '1' } });
    expect(eventsOf(await behind.ended).map(({ event, id }) => [event, id])).toEqual([
      ['session', final],
      ['closing', undefined],
    ]);
    const { response, ended } = await openStream(ticket, { headers: { 'last-event-id': final } });
    expect([response.status, await ended]).toEqual([204, '']);
  });

  it('makes a stock client stop by itself', async () => {
    const { session, ticket } = await test.create();
    let requests = 0;
    const source = new EventSource(`${test.url}/v1/sessions/self/events`, {
      fetch: (url, init) => {
        requests++;
        return fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${ticket}` } });
      },
    });
    const stopped = new Promise<number | undefined>((resolve) => {
      source.onerror = ({ code }) => source.readyState === source.CLOSED && resolve(code);
    });
    await new Promise((resolve) => source.addEventListener('session', resolve));
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    expect([await stopped, requests]).toEqual([204, 2]);
  });

  it('sends comments to show that it is alive', async () => {
    const { ticket } = await test.create();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { until, text } = await openStream(ticket);
      await until('event: session');
      expect(text).not.toMatch(/^:/m);
      for (const count of [1, 2]) {
        vi.advanceTimersByTime(COMMENT_EVERY_MS);
        await until('\n:\n\n'.repeat(1).concat(':\n\n'.repeat(count - 1)));
      }
    } finally {
      vi.useRealTimers();
    }
  });

  it('counts as a viewer while it is read, and frees its slot when its client has gone', async () => {
    const small = await openTestGateway({ namespace: test.namespace, maxConnections: 1 });
    const { session, ticket } = await test.create();
    const untilCount = async (count: number) => {
      while ((await test.call('GET', `/v1/sessions/${session.id}?visible=false`)).body.session.viewers !== count);
    };
    const first = await openStream(ticket, { url: small.url });
    await untilCount(1);
    expect(first.response.status).toBe(200);
    const leave = gone;
    const refused = await openStream(ticket, { url: small.url });
    expect([refused.response.status, refused.response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(JSON.parse(await refused.ended)).toMatchObject({ code: 'unavailable', retryable: true, retryAfterMs: 1_000 });
    leave.abort();
    await untilCount(0);
    expect((await openStream(ticket, { url: small.url })).response.status).toBe(200);
    gone.abort();
    await small.close();
  });

  it('of a gateway that stops leaves no connection that would bring the next request there', async () => {
    const leaving = await openTestGateway({ namespace: test.namespace });
    const { ticket } = await test.create();
    const agent = new Agent({ keepAlive: true });
    const headers = { authorization: `Bearer ${ticket}` };
    const begun = get(`${leaving.url}/v1/sessions/self/events`, { agent, headers });
    const [response] = (await once(begun, 'response')) as [IncomingMessage];
    response.resume();
    // This one is told to leave after half of the drain, so the gateway does not stop before.
    const last = await openStream(ticket, { url: leaving.url });
    const closed = leaving.gateway.close(20_000);
    await once(response.socket, 'close');
    expect(last.text).not.toContain('event: closing');
    gone.abort();
    await closed;
    await leaving.close();
    agent.destroy();
  });

  it('of a gateway that stops names a time to reconnect, and does not delay the stop if it is not read', async () => {
    const leaving = await openTestGateway({ namespace: test.namespace });
    const { session, ticket } = await test.create();
    const stream = await openStream(ticket, { url: leaving.url });
    await stream.until('"state":"waiting"');
    const { hostname, port } = new URL(leaving.url);
    const stuck = connect(Number(port), hostname);
    stuck.on('error', () => undefined); // cut by the gateway
    stuck.write(`GET /v1/sessions/self/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ticket}\r\n\r\n`);
    while ((await test.call('GET', `/v1/sessions/${session.id}?visible=false`)).body.session.viewers < 2);
    stuck.pause();
    for (let i = 0; i < 12; i++) await test.showCode(session.id, String(i).padEnd(1_000_000, 'x'));
    const startedAt = performance.now();
    const closed = leaving.gateway.close(0);
    const [draining, closing] = eventsOf(await stream.ended).slice(-2);
    const { retryAfterMs } = JSON.parse(draining?.['data'] ?? '');
    expect(draining).toEqual({ event: 'draining', retry: String(retryAfterMs), data: JSON.stringify({ retryAfterMs }) });
    expect(retryAfterMs).toBeLessThanOrEqual(1_000);
    expect(JSON.parse(closing?.['data'] ?? '')).toEqual({ code: 'draining', number: 1012, retryable: true, retryAfterMs });
    await closed;
    expect(performance.now() - startedAt).toBeLessThan(NOT_HELD_UP_MS);
    stuck.destroy();
    await leaving.close();
  });
});
