/** What holds for every transport that keeps a stream open. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { openRecorded, openSsePeer, openWebSocketPeer, type Peer, type PeerViewer, type Recorded } from '../../test/peer.ts';
import { SERVER, showing } from '../../test/session.ts';
import { LOST } from '../closed.ts';
import type { OpenRequest, Transport } from '../types.ts';
import { sse } from './sse.ts';
import { webSocket } from './websocket.ts';

interface Kind {
  readonly name: string;
  openPeer(): Promise<Peer>;
  transport(): Transport;
  /** After this time without a byte it is given up. */
  readonly silenceMs: number;
}

const KINDS: readonly Kind[] = [
  { name: 'websocket', openPeer: openWebSocketPeer, transport: webSocket, silenceMs: 35_000 },
  { name: 'sse', openPeer: openSsePeer, transport: sse, silenceMs: 40_000 },
];

const releases: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const release of releases.splice(0).reverse()) await release();
});

describe.each(KINDS)('a stream over $name', ({ openPeer, transport, silenceMs }) => {
  async function open(request: Partial<OpenRequest> = {}): Promise<{ peer: Peer; viewer: PeerViewer; client: Recorded }> {
    const peer = await openPeer();
    const client = openRecorded(transport(), { url: peer.url, ...request });
    releases.push(
      () => peer.close(),
      () => client.connection.close(),
    );
    return { peer, viewer: await peer.viewer(), client };
  }

  it('sends the ticket and what it wants, but the ticket never in the URL', async () => {
    const { viewer, peer } = await open({ after: 6, formats: ['text'] });
    expect(viewer.asked).toEqual({ ticket: 'the-ticket', after: 6, formats: ['text'], visible: true });
    expect(peer.paths.join()).not.toContain('the-ticket');
    const bare = await open();
    expect(bare.viewer.asked).toEqual({ ticket: 'the-ticket', after: 0, formats: undefined, visible: true });
  });

  it('is open when the gateway says so, and reports what follows in order', async () => {
    const { viewer, client } = await open();
    viewer.accept();
    expect(await client.next()).toBe('open');
    viewer.session(showing(1));
    viewer.nonsense();
    viewer.fresh({ id: 'ses_1', version: 2, staleAt: SERVER + 30_000 });
    viewer.session(showing(3));
    expect([await client.next(), await client.next(), await client.next()]).toEqual(['session 1', 'fresh 2', 'session 3']);
  });

  it.each([
    ['done', 1000, false],
    ['draining', 1012, true],
    ['slow_consumer', 4001, true],
    ['ticket_expired', 4506, false],
    ['ticket_revoked', 4507, false],
  ])('ends with the reason of the gateway: %s', async (code, number, retryable) => {
    const { viewer, client } = await open();
    viewer.accept();
    viewer.closing(code, number);
    expect(await client.closed).toEqual({ code, detail: null, retryable, retryAfterMs: 0 });
    expect(client.told).toEqual(['open', 'closed']);
    await viewer.gone;
  });

  it('that drains passes on the hint, whether its end has a reason or not', async () => {
    const said = await open();
    said.viewer.accept();
    said.viewer.draining(700);
    said.viewer.closing('draining', 1012);
    const cut = await open();
    cut.viewer.accept();
    cut.viewer.draining(700);
    expect(await cut.client.next()).toBe('open');
    cut.viewer.fresh({ id: 'ses_1', version: 2, staleAt: SERVER });
    expect(await cut.client.next()).toBe('fresh 2'); // sent after the hint
    cut.viewer.cut();
    const draining = { code: 'draining', detail: null, retryable: true };
    expect(await cut.client.closed).toEqual({ ...draining, retryAfterMs: 700 });
    // A `closing` event would repeat the hint; this end does not.
    expect(await said.client.closed).toMatchObject(draining);
  });

  it('that is cut ends without a reason', async () => {
    const { viewer, client } = await open();
    viewer.accept();
    await client.next();
    viewer.cut();
    expect(await client.closed).toEqual(LOST);
  });

  it('that no server answers ends without a reason, and was never open', async () => {
    const peer = await openPeer();
    await peer.close();
    const client = openRecorded(transport(), { url: peer.url });
    expect(await client.closed).toEqual(LOST);
    expect(client.told).toEqual(['closed']);
  });

  it('that is refused reports the reason', async () => {
    const { viewer, client } = await open();
    viewer.refuse({ code: 'origin_not_allowed', detail: 'not from here', retryable: false }, 4503);
    expect(await client.closed).toEqual({ code: 'origin_not_allowed', detail: 'not from here', retryable: false, retryAfterMs: 0 });
    const full = await open();
    full.viewer.refuse({ code: 'unavailable', detail: 'full', retryable: true, retryAfterMs: 900 }, 4000);
    expect(await full.client.closed).toEqual({ code: 'unavailable', detail: 'full', retryable: true, retryAfterMs: 900 });
    expect(full.client.told).toEqual(['closed']);
  });

  it('that goes silent is given up, but not one with only keep-alives', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }); // ours; the sockets' go on
    const fed = vi.spyOn(globalThis, 'clearTimeout');
    const { viewer, client } = await open();
    viewer.accept();
    expect(await client.next()).toBe('open');
    for (let breath = 0; breath < 4; breath++) {
      vi.advanceTimersByTime(20_000);
      fed.mockClear();
      viewer.breathe();
      while (fed.mock.calls.length === 0) await new Promise(setImmediate);
    }
    if ('isDeaf' in viewer) viewer.isDeaf = true;
    vi.advanceTimersByTime(silenceMs - 1);
    expect(client.told).toEqual(['open']);
    vi.advanceTimersByTime(1);
    expect(await client.closed).toEqual(LOST);
    await viewer.gone;
  });

  it('that the client closes is gone at the gateway, and reports nothing more', async () => {
    const { viewer, client } = await open();
    viewer.accept();
    await client.next();
    client.connection.close();
    client.connection.close();
    client.connection.setVisible(false);
    await viewer.gone;
    expect(client.told).toEqual(['open']);
  });

  it('that is closed before it was open is gone at the gateway, too', async () => {
    const { viewer, client } = await open();
    client.connection.close();
    await viewer.gone;
    expect(client.told).toEqual([]);
  });
});
