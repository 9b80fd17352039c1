import { afterEach, describe, expect, it } from 'vitest';
import { openRecorded, openServer, openSsePeer } from '../../test/peer.ts';
import { showing } from '../../test/session.ts';
import { FOREIGN, LOST } from '../closed.ts';
import { sse } from './sse.ts';

const releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

async function answered(answer: Parameters<typeof openServer>[0]) {
  const server = await openServer(answer);
  releases.push(server.close);
  return openRecorded(sse(), { url: server.url, after: 6 });
}

describe('Server-Sent Events', () => {
  it('end as done after a 204: there is nothing newer than the final state', async () => {
    const client = await answered((_request, response) => void response.writeHead(204).end());
    expect(await client.closed).toEqual({ code: 'done', detail: null, retryable: false, retryAfterMs: 0 });
  });

  it('are not open before the first bytes, which a proxy may hold back', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<() => void>();
    const client = await answered((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      arrive(() => response.write('retry: 1000\n\n'));
    });
    const speak = await arrived;
    expect(client.told).toEqual([]);
    speak();
    expect(await client.next()).toBe('open');
    client.connection.close();
  });

  it.each([
    ['a proxy that is overloaded', 502, { 'content-type': 'text/html', 'retry-after': '7' }, 7_000],
    ['a proxy with a date', 503, { 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' }, 0],
    [
      'a proxy with a date, and another clock than ours',
      503,
      { date: 'Fri, 31 Dec 1999 23:59:00 GMT', 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' },
      59_000,
    ],
    ['a proxy with nonsense', 503, { 'retry-after': '-1, soon' }, 0],
  ])('answered by %s end as lost, with its hint', async (_name, status, headers, retryAfterMs) => {
    const client = await answered((_request, response) => void response.writeHead(status, headers).end('<html>'));
    expect(await client.closed).toEqual({ ...LOST, retryAfterMs });
  });

  it.each([
    ['a page of somebody else', 200, { 'content-type': 'text/html' }],
    ['a page that is not there', 404, { 'content-type': 'text/html' }],
    ['an API that has no such path', 404, { 'content-type': 'application/json' }],
    ['a method that is not taken', 405, {}],
    ['the way to somewhere else', 301, { location: '/elsewhere' }],
    ['a problem that is not of the protocol', 404, { 'content-type': 'application/problem+json' }],
  ])('answered by something other than a gateway end as foreign: %s', async (_name, status, headers) => {
    const client = await answered((_request, response) => void response.writeHead(status, headers).end('{"title":"Not Found"}'));
    expect(await client.closed).toEqual(FOREIGN);
  });

  it.each([
    [{ retryAfterMs: 900 }, 900],
    [{}, 7_000],
    [{ retryAfterMs: -1 }, 7_000],
    [{ retryAfterMs: 'soon' }, 7_000],
  ])('refused by the gateway wait as its body says, otherwise its header: %j', async (hint, retryAfterMs) => {
    const body = JSON.stringify({ code: 'unavailable', detail: 'full', retryable: true, ...hint });
    const headers = { 'content-type': 'application/problem+json', 'retry-after': '7' };
    const client = await answered((_request, response) => void response.writeHead(503, headers).end(body));
    expect(await client.closed).toEqual({ code: 'unavailable', detail: 'full', retryable: true, retryAfterMs });
  });

  it('do not follow a redirect with the ticket', async () => {
    let asked = 0;
    const elsewhere = await openServer((_request, response) => {
      asked++;
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('retry: 1\n\n');
    });
    releases.push(elsewhere.close);
    const client = await answered((_request, response) => void response.writeHead(307, { location: elsewhere.url }).end());
    expect(await client.closed).toEqual(FOREIGN);
    expect(asked).toBe(0);
  });

  it('are given up if an event does not end', async () => {
    const client = await answered((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const more = (error?: Error | null): void => {
        if (!error) response.write(`data: ${'x'.repeat(50_000)}\n`, more);
      };
      more();
    });
    expect(await client.closed).toEqual(LOST);
  });

  it('are requested again when the visibility changes, from the newest version and never two at once', async () => {
    const peer = await openSsePeer();
    const client = openRecorded(sse(), { url: peer.url });
    releases.push(peer.close, () => client.connection.close());
    const first = await peer.viewer();
    first.accept();
    first.session(showing(4));
    expect([await client.next(), await client.next()]).toEqual(['open', 'session 4']);
    client.connection.setVisible(true);
    client.connection.setVisible(false);
    await first.gone;
    const hidden = await peer.viewer();
    expect(hidden.asked).toMatchObject({ visible: false, after: 4, ticket: 'the-ticket' });
    hidden.accept();
    hidden.fresh({ id: 'ses_1', version: 5, staleAt: 1 });
    expect(await client.next()).toBe('fresh 5');
    client.connection.setVisible(true);
    await hidden.gone;
    const seen = await peer.viewer();
    expect(seen.asked).toMatchObject({ visible: true, after: 5 });
    expect(peer.paths).toEqual(['/v1/sessions/self/events', '/v1/sessions/self/events?visible=false', '/v1/sessions/self/events']);
    expect(client.told, 'open is told once').toEqual(['open', 'session 4', 'fresh 5']);
  });
});
