import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openRecorded, openWebSocketPeer, type WebSocketPeer } from '../../test/peer.ts';
import { showing } from '../../test/session.ts';
import { LOST } from '../closed.ts';
import type { OpenRequest } from '../types.ts';
import { webSocket } from './websocket.ts';

let peer: WebSocketPeer;
const releases: (() => void)[] = [];
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }); // ours; the sockets' go on
  peer = await openWebSocketPeer();
});
afterEach(async () => {
  for (const release of releases.splice(0)) release();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  await peer.close();
});

async function open(request: Partial<OpenRequest> = {}) {
  const client = openRecorded(webSocket(), { url: peer.url, ...request });
  releases.push(() => client.connection.close());
  return { client, viewer: await peer.viewer() };
}

describe('a plain WebSocket', () => {
  it('says before its subscription that it is hidden, and later when that changes', async () => {
    const { client, viewer } = await open({ visible: false });
    expect(viewer.asked.visible).toBe(false);
    expect(await viewer.heard.take()).toEqual({ type: 'visible', visible: false });
    viewer.accept();
    await client.next();
    client.connection.setVisible(true);
    expect(await viewer.heard.take()).toEqual({ type: 'visible', visible: true });
  });

  it('pings after a silence, and accepts any frame as the answer', async () => {
    const { client, viewer } = await open();
    viewer.accept();
    await client.next();
    for (let i = 0; i < 3; i++) {
      vi.advanceTimersByTime(25_000);
      expect(await viewer.heard.take()).toEqual({ type: 'ping' });
      viewer.fresh({ id: 'ses_1', version: i + 2, staleAt: 1 }); // sent after the pong
      await client.next();
    }
    expect(client.told).toEqual(['open', 'fresh 2', 'fresh 3', 'fresh 4']);
  });

  it.each([
    ['ticket_expired', 4506],
    ['ticket_revoked', 4507],
    ['unauthenticated', 4501],
  ])('reports %s from the number, because the refusal says only unauthenticated', async (code, number) => {
    const { client, viewer } = await open();
    viewer.refuse({ code: 'unauthenticated', detail: 'why', retryable: false }, number);
    expect(await client.closed).toEqual({ code, detail: 'why', retryable: false, retryAfterMs: 0 });
  });

  it('ends a second after a refusal, even if the gateway does not close', async () => {
    const { client, viewer } = await open();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    viewer.refuse({ code: 'invalid_request', detail: 'why', retryable: false });
    while (!timers.mock.calls.some(([, ms]) => ms === 1_000)) await new Promise(setImmediate);
    vi.advanceTimersByTime(999);
    expect(client.told).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(await client.closed).toEqual({ code: 'invalid_request', detail: 'why', retryable: false, retryAfterMs: 0 });
  });

  it.each([
    [4_042, 'unknown', true],
    [4_742, 'unknown', false],
    [1001, null, true],
    [1011, null, true],
  ])('closed as %i goes by the range', async (number, code, retryable) => {
    const { client, viewer } = await open();
    viewer.closing('', number);
    expect(await client.closed).toEqual({ ...LOST, code, retryable });
  });

  it('is refused by an error without a ref when the gateway is full', async () => {
    const { client, viewer } = await open();
    viewer.turnAway({ code: 'unavailable', detail: 'full', retryable: true, retryAfterMs: 900 }, 4000);
    expect(await client.closed).toEqual({ code: 'unavailable', detail: 'full', retryable: true, retryAfterMs: 900 });
  });

  it('finds the gateway below a path, and over TLS', () => {
    const opened = stubWebSocket();
    openRecorded(webSocket(), { url: 'https://example.com/qrcast' });
    openRecorded(webSocket(), { url: 'http://https.example.com' });
    expect(opened.map(({ asked }) => asked)).toEqual([
      ['wss://example.com/qrcast/v1/ws', 'qrcast.v1'],
      ['ws://https.example.com/v1/ws', 'qrcast.v1'],
    ]);
  });

  it('that was refused reports nothing but its end', async () => {
    vi.useFakeTimers();
    const opened = stubWebSocket();
    const client = openRecorded(webSocket(), { url: 'https://example.com' });
    const receive = (frame: object) => opened[0]?.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(frame) }));
    opened[0]?.dispatchEvent(new Event('open'));
    receive({ type: 'error', ref: 1, error: { code: 'invalid_request', detail: 'why', retryable: false } });
    receive({ type: 'session', session: showing(1) });
    vi.advanceTimersByTime(1_000);
    expect(client.told).toEqual(['closed']);
  });

  it.each(['close', 'end'])('leaves no timer after its %s', (how) => {
    vi.useFakeTimers();
    const opened = stubWebSocket();
    const client = openRecorded(webSocket(), { url: 'https://example.com' });
    opened[0]?.dispatchEvent(new Event('open'));
    expect(vi.getTimerCount()).toBe(1);
    if (how === 'close') client.connection.close();
    else opened[0]?.dispatchEvent(Object.assign(new Event('close'), { code: 1006 }));
    opened[0]?.dispatchEvent(Object.assign(new Event('message'), { data: '{"type":"pong"}' }));
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that the page may not open ends as lost, asynchronously', async () => {
    class Forbidden {
      constructor() {
        throw new DOMException('insecure', 'SecurityError');
      }
    }
    vi.stubGlobal('WebSocket', Forbidden);
    const client = openRecorded(webSocket(), { url: 'http://127.0.0.1:1' });
    expect(client.told).toEqual([]);
    expect(await client.closed).toEqual(LOST);
  });
});

/** WebSockets that connect to nothing. */
function stubWebSocket() {
  const opened: FakeWebSocket[] = [];
  class FakeWebSocket extends EventTarget {
    static readonly OPEN = 1;
    readonly asked: readonly string[];
    constructor(...asked: string[]) {
      super();
      this.asked = asked;
      opened.push(this);
    }
    close(): void {}
  }
  vi.stubGlobal('WebSocket', FakeWebSocket);
  return opened;
}
