/**
 * However a server, a proxy, a page or a person behaves, a watch never sends more than two requests
 * in a second, and never stops trying.
 */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { showing } from '../test/session.ts';
import { socketIo } from './transports/socket-io.ts';
import type { TransportName, WatchOptions } from './types.ts';
import { watchSession } from './watch-session.ts';

const HEADERS = ['2592000', '3600', '60', '1', '0', '-1', '1.5', '9'.repeat(400), 'NaN', '', '5, 2592000', 'Fri, 31 Dec 1999 23:59:59 GMT'];
const TRANSPORTS = ['auto', 'websocket', 'sse', 'long-poll'] as const;
const MINUTES_MS = 5 * 60_000;

let asked: number[];
let answer: (url: string) => Response;
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  asked = [];
  vi.stubGlobal('fetch', async (url: string, { signal }: { signal: AbortSignal }) => {
    signal.throwIfAborted();
    asked.push(performance.now());
    return answer(url);
  });
  vi.stubGlobal('WebSocket', RefusedWebSocket);
});
afterEach(() => {
  expect(vi.getTimerCount(), 'timers that are left').toBe(0);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A WebSocket handshake that a proxy answers. */
class RefusedWebSocket extends EventTarget {
  static readonly OPEN = 1;
  readonly readyState = 3;
  readonly #answered = setTimeout(() => this.dispatchEvent(Object.assign(new Event('close'), { code: 1006 })), 5);

  constructor() {
    super();
    asked.push(performance.now());
  }

  close(): void {
    clearTimeout(this.#answered);
  }
}

/** socket.io-client if every request is refused: it tries each transport and then gives up. */
const refusedSocketIo = socketIo((_url, { transports }) => {
  const listeners = new Map<string, (body: unknown) => void>();
  const timers = transports.map((_, i) => setTimeout(() => asked.push(performance.now()), i * 5));
  timers.push(setTimeout(() => listeners.get('connect_error')?.(new Error('xhr poll error')), 20));
  return {
    connected: false,
    on: (event, listener) => listeners.set(event, listener),
    emit: () => undefined,
    disconnect() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
});

const mostInASecond = (): number => Math.max(0, ...asked.map((from) => asked.filter((at) => at >= from && at < from + 1_000).length));
const longestPause = (from: number): number => Math.max(...asked.map((at, i) => at - (asked[i - 1] ?? from)));

function watch(options: Partial<WatchOptions> = {}) {
  return watchSession({ url: 'https://qrcast.example.com', ticket: 't', visible: true, ...options });
}

const refused = (header: string) => (): Response => new Response('<html>', { status: 503, headers: { 'retry-after': header } });

describe.each([...TRANSPORTS, refusedSocketIo])('over %s', (transport) => {
  it.each(HEADERS)('a proxy that says "Retry-After: %s" for minutes is asked slowly, but asked again', async (header) => {
    answer = refused(header);
    const started = performance.now();
    const opened = watch({ transport });
    await vi.advanceTimersByTimeAsync(MINUTES_MS);
    opened.close();
    expect(mostInASecond()).toBeLessThanOrEqual(2);
    expect(asked.length).toBeGreaterThanOrEqual(4);
    expect(longestPause(started)).toBeLessThanOrEqual(75_000);
  });
});

/** What a careless page does ten times a second. */
const PESTERINGS: Readonly<Record<string, (opened: ReturnType<typeof watch>, i: number) => void>> = {
  'shows and hides it': (opened, i) => opened.setVisible(i % 2 === 0),
  'sends the password': (opened) => void opened.sendPassword('p'),
  'calls for all at once': (opened) => void Promise.all([opened.resume(), opened.startOver(), opened.sendPassword('p')]),
  'is online again and again': () => void globalThis.dispatchEvent(new Event('online')),
};

describe.each(Object.entries(PESTERINGS))('a page that %s', (_name, pester) => {
  it.each([
    ['to a proxy', refused('0')],
    ['to a gateway', answerAlways],
  ])('ten times a second causes no flood: %s', async (_to, how) => {
    const page = new EventTarget();
    for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent'] as const) vi.stubGlobal(name, page[name].bind(page));
    answer = how;
    const opened = watch();
    for (let i = 0; i < 600; i++) {
      pester(opened, i);
      await vi.advanceTimersByTimeAsync(100);
    }
    opened.close();
    await vi.advanceTimersByTimeAsync(0);
    expect(mostInASecond()).toBeLessThanOrEqual(2);
    expect(asked.length).toBeGreaterThan(5); // twin: it is asked
  });
});

/** Every answer brings something new, as from a broken cache. */
function answerAlways(url: string): Response {
  const version = asked.length % 7;
  if (url.endsWith('/events')) return new Response('', { status: 404 });
  return Response.json({ session: showing(version + 1) });
}

it('a gateway that always has something new is asked slowly by long-poll', async () => {
  answer = answerAlways;
  const opened = watch({ transport: 'long-poll' satisfies TransportName });
  await vi.advanceTimersByTimeAsync(60_000);
  opened.close();
  expect(mostInASecond()).toBe(2);
  expect(asked.length).toBeGreaterThan(30);
});

it('tickets that are always refused and renewed cause no flood', async () => {
  let round = 0;
  const refusal = { code: 'ticket_expired', detail: 'why', retryable: false };
  answer = () =>
    round++ % 2 === 0 ? Response.json(refusal, { status: 401, headers: { 'content-type': 'application/problem+json' } }) : refused('0')();
  const opened = watch({ transport: 'sse', renewTicket: async () => 'another' });
  await vi.advanceTimersByTimeAsync(60_000);
  opened.close();
  expect(mostInASecond()).toBeLessThanOrEqual(2);
});

it('a return to the page shortens a wait to 2 to 5 s, but not a hint of up to 60 s', async () => {
  for (const [header, fromMs, toMs] of [
    ['2592000', 2_000, 5_000],
    ['60', 60_000, 75_000],
  ] as const) {
    const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
    vi.stubGlobal('document', document);
    asked = [];
    answer = refused(header);
    const opened = watchSession({ url: 'https://qrcast.example.com', ticket: 't', transport: 'long-poll' });
    await vi.advanceTimersByTimeAsync(0);
    document.dispatchEvent(new Event('visibilitychange'));
    while (asked.length < 2) await vi.advanceTimersByTimeAsync(10);
    opened.close();
    expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(fromMs);
    expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeLessThanOrEqual(toMs + 10);
  }
});
