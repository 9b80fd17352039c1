import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DONE, LOST } from './closed.ts';
import { type KeptConnection, keepConnected, type Route } from './keep-connected.ts';
import { createScript } from './test-transport.ts';
import type { Closed, Connection, TransportName } from './types.ts';

const EXPIRED: Closed = { code: 'ticket_expired', detail: 'it has run out', retryable: false, retryAfterMs: 0 };
const draining = (retryAfterMs: number): Closed => ({ code: 'draining', detail: null, retryable: true, retryAfterMs });

const kept = new Set<KeptConnection>();
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  for (const connection of kept) connection.close();
  kept.clear();
  expect(vi.getTimerCount(), 'timers that are left').toBe(0);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function open(options: Partial<Omit<Route, 'transports'>> = {}, names: [TransportName, ...TransportName[]] = ['websocket']) {
  const script = createScript();
  const [best, ...others] = names.map((name) => script.transport(name));
  if (best === undefined) throw new Error('name a transport');
  const told: Connection[] = [];
  let version = 0;
  const connection = keepConnected(
    {
      url: 'https://qrcast.example.com',
      ticket: 'first',
      formats: undefined,
      transports: [best, ...others],
      renewTicket: undefined,
      visible: true,
      ...options,
    },
    {
      after: () => version,
      onConnection: (next) => told.push(next),
      onSession: () => undefined,
      onFresh: () => undefined,
    },
  );
  kept.add(connection);
  await Promise.resolve();
  return {
    connection,
    script,
    told,
    last: () => script.last().handlers,
    setVersion(next: number) {
      version = next;
    },
    /** Ms until something else is opened, by the timers; at most a minute. */
    untilNext() {
      const before = script.opened.length;
      const startedAt = performance.now();
      while (script.opened.length === before && performance.now() - startedAt < 60_000) vi.advanceTimersByTime(1);
      return performance.now() - startedAt;
    },
  };
}

describe('coming back', () => {
  it('waits with full jitter, longer with each try in a row, and asks from the newest version on', async () => {
    const { script, last, told, untilNext, setVersion } = await open();
    expect(script.last().request).toMatchObject({ after: 0, ticket: 'first', visible: true });
    setVersion(6);
    const waits = Array.from({ length: 6 }, () => {
      last().onClosed(LOST);
      return untilNext();
    });
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 7_500, 7_500]);
    expect(script.last().request.after).toBe(6);
    expect(told[0]).toEqual({ status: 'retrying', code: null, retryAt: 1_000_500 });
    vi.spyOn(Math, 'random').mockReturnValue(0);
    last().onClosed(LOST);
    expect(untilNext(), 'the least').toBe(1);
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    last().onClosed(LOST);
    expect(untilNext(), 'the most').toBeCloseTo(14_985, -1);
  });

  it('never comes before the hint of the server, and keeps its word until it is back', async () => {
    const { last, told, untilNext } = await open();
    last().onOpen();
    last().onClosed(draining(3_000));
    expect(untilNext()).toBe(3_500);
    last().onClosed(LOST);
    expect(untilNext(), 'a hint is for once').toBe(1_000);
    last().onOpen();
    last().onClosed(LOST);
    expect(told.filter(({ status }) => status === 'retrying')).toMatchObject([{ code: 'draining' }, { code: 'draining' }, { code: null }]);
  });

  it('begins from the beginning only after a connection that lasted', async () => {
    const { last, untilNext } = await open();
    const wait = (openMs: number): number => {
      last().onOpen();
      vi.advanceTimersByTime(openMs);
      last().onClosed(LOST);
      return untilNext();
    };
    expect([wait(9_999), wait(9_999), wait(10_000), wait(0)]).toEqual([500, 1_000, 500, 1_000]);
  });

  it('is hurried when the network is back, but not past the hint of the server', async () => {
    const { connection, last, script, told, untilNext } = await open();
    last().onClosed(LOST);
    connection.hurry();
    expect(told.at(-1)).toMatchObject({ retryAt: Date.now() });
    vi.advanceTimersByTime(0);
    expect(script.opened).toHaveLength(2);
    last().onClosed(draining(3_000));
    vi.advanceTimersByTime(1_000);
    connection.hurry();
    connection.hurry();
    expect(untilNext()).toBe(2_000);
    connection.hurry();
    expect(script.opened, 'nothing waits').toHaveLength(3);
  });

  it.each([
    ['the end', DONE],
    ['a refusal', { code: 'forbidden', detail: 'why', retryable: false, retryAfterMs: 0 } satisfies Closed],
  ])('does not happen after %s', async (_name, closed) => {
    const { last, told, script } = await open();
    last().onOpen();
    last().onClosed(closed);
    vi.advanceTimersByTime(60_000);
    expect(told.at(-1)).toEqual({ status: 'refused', code: closed.code, detail: closed.detail });
    expect(script.opened).toHaveLength(1);
  });
});

describe('a connection', () => {
  it('is one at a time, and nobody hears of one that has ended', async () => {
    const { script, last, told, untilNext } = await open();
    last().onOpen();
    const first = script.last();
    first.handlers.onClosed(LOST);
    expect(first.isClosed).toBe(true);
    untilNext();
    const before = told.length;
    first.handlers.onOpen();
    first.handlers.onClosed(DONE);
    expect(told).toHaveLength(before);
  });

  it('has ten seconds to open, then it counts as lost', async () => {
    const { script, told } = await open();
    vi.advanceTimersByTime(9_999);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(script.last().isClosed).toBe(true);
    expect(told).toMatchObject([{ status: 'retrying', code: null }]);
  });

  it('is told once to be open', async () => {
    const { last, told } = await open();
    last().onOpen();
    last().onOpen();
    vi.advanceTimersByTime(60_000);
    expect(told).toEqual([{ status: 'open', transport: 'websocket' }]);
  });

  it('is left for a new one on demand, but only while it is open', async () => {
    const { connection, script, last, untilNext } = await open();
    connection.reconnect();
    expect(script.last().isClosed).toBe(false);
    last().onOpen();
    connection.reconnect();
    expect(script.last().isClosed).toBe(true);
    connection.reconnect();
    expect(untilNext()).toBe(500);
    expect(script.opened).toHaveLength(2);
  });

  it('knows whether it can be seen, and so does the next', async () => {
    const { connection, script, last, untilNext } = await open({ visible: false });
    expect(script.last().request.visible).toBe(false);
    connection.setVisible(true);
    expect(script.last().visible).toEqual([true]);
    last().onClosed(LOST);
    connection.setVisible(false);
    untilNext();
    expect(script.last().request.visible).toBe(false);
  });

  it('is not even begun when it is closed at once', async () => {
    const script = createScript();
    const route = {
      url: '',
      ticket: '',
      formats: undefined,
      transports: [script.transport()],
      renewTicket: undefined,
      visible: true,
    } as const;
    const handlers = { after: () => 0, onConnection: () => undefined, onSession: () => undefined, onFresh: () => undefined };
    keepConnected(route, handlers).close();
    await Promise.resolve();
    expect(script.opened).toEqual([]);
  });

  it('is closed with all that waits', async () => {
    const { connection, script, last, told } = await open();
    connection.close();
    expect(script.last().isClosed).toBe(true);
    last().onOpen();
    last().onClosed(LOST);
    vi.advanceTimersByTime(60_000);
    expect([script.opened.length, told]).toEqual([1, []]);
  });
});

describe('a transport that does not open', () => {
  it('gives way to the next after two tries without a word of the gateway, and the one that opened is kept', async () => {
    const { last, script, untilNext } = await open({}, ['websocket', 'sse', 'long-poll']);
    for (const closed of [LOST, LOST, LOST, { ...LOST, code: 'unavailable' as const }, LOST]) {
      last().onClosed(closed);
      untilNext();
    }
    expect(script.opened.map(({ transport }) => transport)).toEqual(['websocket', 'websocket', 'sse', 'sse', 'sse', 'sse']);
    last().onOpen();
    last().onClosed(LOST);
    untilNext();
    expect(script.last().transport).toBe('sse');
  });
});

describe('a ticket that has run out', () => {
  /** Renewals that are answered by hand. */
  function renewals() {
    const asked: PromiseWithResolvers<string>[] = [];
    const renewTicket = (): Promise<string> => {
      const answer = Promise.withResolvers<string>();
      asked.push(answer);
      return answer.promise;
    };
    return { asked, renewTicket };
  }
  const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

  it('is renewed, and the whole state asked for with the new one, which may be of another session', async () => {
    const { asked, renewTicket } = renewals();
    const { connection, last, script, told, setVersion, untilNext } = await open({ renewTicket });
    setVersion(6);
    last().onOpen();
    last().onClosed(EXPIRED);
    expect(told.at(-1)).toEqual({ status: 'retrying', code: 'ticket_expired', retryAt: Date.now() });
    vi.advanceTimersByTime(60_000);
    expect(script.opened, 'until the new one is there').toHaveLength(1);
    asked[0]?.resolve('second');
    await settled();
    expect(script.last().request).toMatchObject({ ticket: 'second', after: 0 });
    expect(connection.ticket()).toBe('second');
    last().onClosed(LOST);
    untilNext();
    expect(script.last().request.after, 'until it has opened').toBe(0);
    last().onOpen();
    last().onClosed(LOST);
    untilNext();
    expect(script.last().request).toMatchObject({ ticket: 'second', after: 6 });
  });

  it('is renewed once: a new one that is refused at once ends it', async () => {
    const { asked, renewTicket } = renewals();
    const { last, told } = await open({ renewTicket });
    last().onClosed({ ...EXPIRED, code: 'unauthenticated' });
    asked[0]?.resolve('second');
    await settled();
    last().onOpen();
    vi.advanceTimersByTime(9_999);
    last().onClosed(EXPIRED);
    await settled();
    expect(asked).toHaveLength(1);
    expect(told.at(-1)).toEqual({ status: 'refused', code: 'ticket_expired', detail: 'it has run out' });
  });

  it('is renewed again when the last one had been good', async () => {
    const { asked, renewTicket } = renewals();
    const { last, script } = await open({ renewTicket });
    for (const ticket of ['second', 'third']) {
      last().onOpen();
      vi.advanceTimersByTime(10_000);
      last().onClosed(EXPIRED);
      asked.at(-1)?.resolve(ticket);
      await settled();
      expect(script.last().request.ticket).toBe(ticket);
    }
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('a-secret of the backend'))],
    [
      'throws',
      () => {
        throw new Error('a-secret of the backend');
      },
    ],
    ['gives nothing', async () => ''],
    ['gives no text', async () => ({ ticket: 'a-secret' }) as unknown as string],
  ])('ends it when renewTicket %s', async (_name, renewTicket) => {
    const { last, told, script } = await open({ renewTicket });
    last().onClosed(EXPIRED);
    await settled();
    expect(told.at(-1)).toMatchObject({ status: 'refused', code: 'unauthenticated', detail: expect.stringContaining('renewTicket') });
    expect(JSON.stringify(told)).not.toContain('a-secret');
    expect(script.opened).toHaveLength(1);
  });

  it.each(['ticket_revoked', 'forbidden', 'not_found', 'origin_not_allowed'] as const)('is not what %s means', async (code) => {
    const { asked, renewTicket } = renewals();
    const { last, told } = await open({ renewTicket });
    last().onClosed({ ...EXPIRED, code });
    expect([asked.length, told.at(-1)?.status]).toEqual([0, 'refused']);
  });

  it('is not used any more when it comes after the close', async () => {
    const { asked, renewTicket } = renewals();
    const { connection, last, script } = await open({ renewTicket });
    last().onClosed(EXPIRED);
    connection.close();
    asked[0]?.resolve('second');
    await settled();
    expect([script.opened.length, connection.ticket()]).toEqual([1, 'first']);
  });
});
