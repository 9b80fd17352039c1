import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createInbox, FREE_PACE, openRecorded, openServer } from '../../test/peer.ts';
import { showing } from '../../test/session.ts';
import { FOREIGN, LOST } from '../closed.ts';
import { createRequestPace } from '../request-pace.ts';
import type { OpenRequest } from '../types.ts';
import { longPoll } from './long-poll.ts';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const asked = createInbox<Exchange>();
const releases: (() => unknown)[] = [];
let url = '';
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }); // ours; the sockets' go on
  const server = await openServer((request, response) => asked.put({ request, response }));
  ({ url } = server);
  releases.push(server.close);
});
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function open(request: Partial<OpenRequest> = {}) {
  const client = openRecorded(longPoll(), { url, pace: FREE_PACE, ...request });
  releases.push(() => client.connection.close());
  return client;
}

function tell({ response }: Exchange, version: number): void {
  response.setHeader('etag', `"${version}"`).writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ session: showing(version) }));
}
const nothingNew = ({ response }: Exchange): void => void response.writeHead(304).end();
const what = ({ request }: Exchange) => [request.url, request.headers['if-none-match'], request.headers.authorization];

/** Waits until our own pause has begun. The sockets' timers have other lengths. */
async function paused(): Promise<void> {
  const timers = vi.spyOn(globalThis, 'setTimeout');
  while (!timers.mock.calls.some(([, ms]) => ms === 1_000)) await new Promise(setImmediate);
  timers.mockRestore();
}

describe('long-poll', () => {
  it('makes its first request without a wait, and then waits for what is newer', async () => {
    const client = open({ formats: ['image', 'text'] });
    const first = await asked.take();
    expect(what(first)).toEqual(['/v1/sessions/self?formats=image%2Ctext', undefined, 'Bearer the-ticket']);
    tell(first, 3);
    const second = await asked.take();
    expect(what(second)).toEqual(['/v1/sessions/self?formats=image%2Ctext&wait=25', '"3"', 'Bearer the-ticket']);
    tell(second, 4);
    expect(what(await asked.take())[1]).toBe('"4"');
    expect(client.told).toEqual(['open', 'session 3', 'session 4']);
  });

  it('is open even if there is nothing newer, and asks again at once', async () => {
    const client = open({ after: 6 });
    const first = await asked.take();
    expect(what(first)).toEqual(['/v1/sessions/self', '"6"', 'Bearer the-ticket']);
    nothingNew(first);
    expect(what(await asked.take())).toEqual(['/v1/sessions/self?wait=25', '"6"', 'Bearer the-ticket']);
    expect(client.told).toEqual(['open']);
  });

  it('asks slowly if the answers bring nothing new, whoever sends them', async () => {
    const client = open({ after: 6 });
    nothingNew(await asked.take());
    nothingNew(await asked.take());
    await paused();
    vi.advanceTimersByTime(1_000);
    tell(await asked.take(), 6); // the version that the client has
    await paused();
    vi.advanceTimersByTime(1_000);
    tell(await asked.take(), 7);
    await asked.take();
    expect(client.told).toEqual(['open', 'session 6', 'session 7']);
  });

  it('does not wait after a request that was held', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    open({ after: 6 });
    nothingNew(await asked.take());
    for (let round = 0; round < 5; round++) {
      const held = await asked.take();
      vi.advanceTimersByTime(25_000);
      timers.mockClear();
      nothingNew(held);
      while (!timers.mock.calls.some(([, ms]) => ms === 0)) await new Promise(setImmediate);
      vi.advanceTimersByTime(0);
    }
    await asked.take();
    for (const [, ms] of timers.mock.calls) expect(ms ?? 0).toBeGreaterThanOrEqual(0);
  });

  it('asks at most twice a second, however fast something new comes', async () => {
    const client = open({ pace: createRequestPace() });
    tell(await asked.take(), 1); // used without a watch, so the first request does not count
    tell(await asked.take(), 2);
    const third = await asked.take();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    tell(third, 3);
    while (!timers.mock.calls.some(([, ms]) => ms === 1_250)) await new Promise(setImmediate);
    expect(client.told).toEqual(['open', 'session 1', 'session 2', 'session 3']);
    vi.advanceTimersByTime(1_250);
    tell(await asked.take(), 4);
  });

  it('asks again when the visibility changes, also during a pause', async () => {
    const client = open({ after: 6 });
    nothingNew(await asked.take());
    const held = await asked.take();
    const left = once(held.response, 'close');
    client.connection.setVisible(false);
    const hidden = await asked.take();
    await left;
    expect(what(hidden)).toEqual(['/v1/sessions/self?visible=false&wait=25', '"6"', 'Bearer the-ticket']);
    nothingNew(hidden);
    await paused();
    client.connection.setVisible(true);
    expect(what(await asked.take())[0]).toBe('/v1/sessions/self?wait=25');
    expect(client.told).toEqual(['open']);
  });

  it('gives up after ten seconds, or ten more than the request may be held', async () => {
    const never = open();
    await asked.take();
    vi.advanceTimersByTime(9_999);
    expect(never.told).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(await never.closed).toEqual(LOST);
    const client = open({ after: 6 });
    nothingNew(await asked.take());
    await asked.take();
    vi.advanceTimersByTime(34_999);
    expect(client.told).toEqual(['open']);
    vi.advanceTimersByTime(1);
    expect(await client.closed).toEqual(LOST);
  });

  it('ends with the gateway’s reason, or as a network failure', async () => {
    const refused = open();
    const problem = { code: 'unauthenticated', detail: 'why', retryable: false };
    (await asked.take()).response.writeHead(401, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    expect(await refused.closed).toEqual({ ...problem, retryAfterMs: 0 });
    for (const answer of ['<html>', '{}', '{"session": {}}', 'null']) {
      const strange = open();
      (await asked.take()).response.end(answer);
      expect(await strange.closed).toEqual(FOREIGN);
      expect(strange.told).toEqual(['closed']);
    }
    const cut = open();
    (await asked.take()).response.destroy();
    expect(await cut.closed).toEqual(LOST);
  });
});
