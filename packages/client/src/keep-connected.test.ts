import { describe, expect, it, vi } from 'vitest';
import { prepareConnections } from '../test/kept-connection.ts';
import { showing } from '../test/session.ts';
import { createScript } from '../test/transport.ts';
import { DONE, FOREIGN, LOST } from './closed.ts';
import { keepConnected } from './keep-connected.ts';
import type { Closed } from './types.ts';

const draining = (retryAfterMs: number): Closed => ({ code: 'draining', detail: null, retryable: true, retryAfterMs });

const { open } = prepareConnections();

describe('reconnecting', () => {
  it('waits with full jitter, longer after each failure in a row, and asks for what is newer', async () => {
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

  it('never begins before the hint of the server, and keeps its reason until it is open again', async () => {
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

  it('resets the backoff only after a connection that lasted', async () => {
    const { last, untilNext } = await open();
    const wait = (openMs: number): number => {
      last().onOpen();
      vi.advanceTimersByTime(openMs);
      last().onClosed(LOST);
      return untilNext();
    };
    expect([wait(9_999), wait(9_999), wait(10_000), wait(0)]).toEqual([500, 1_000, 500, 1_000]);
  });

  it('begins sooner when the network is back, or within 2 to 5 s when the person returns', async () => {
    const { connection, last, told, untilNext } = await open();
    const fail = (): void => {
      for (let i = 0; i < 5; i++) {
        last().onClosed(LOST);
        untilNext();
      }
      last().onClosed(LOST); // 7.5 s
    };
    fail();
    connection.hurry('look');
    expect(told.at(-1)).toMatchObject({ retryAt: Date.now() + 3_500 });
    connection.hurry('look');
    expect(untilNext()).toBe(3_500);
    fail();
    connection.hurry('online');
    expect(untilNext()).toBe(500);
  });

  it.each(['look', 'online'] as const)('does not begin before the hint of the server (%s)', async (why) => {
    const { connection, last, script, untilNext } = await open();
    last().onClosed(draining(60_000)); // and half a second of jitter
    vi.advanceTimersByTime(1_000);
    connection.hurry(why);
    connection.hurry(why);
    expect(untilNext()).toBe(59_000);
    connection.hurry(why);
    expect(script.opened, 'nothing waits').toHaveLength(2);
  });

  it.each([60_001, 3_600_000, 2_592_000_000, 1e300, Number.POSITIVE_INFINITY])(
    'takes a hint of %d ms for 60 s with the jitter, which a look cuts short',
    async (retryAfterMs) => {
      const { connection, last, told, untilNext } = await open();
      last().onClosed({ ...LOST, retryAfterMs });
      expect(told.at(-1)).toMatchObject({ retryAt: Date.now() + 52_500 });
      expect(untilNext()).toBe(52_500);
      last().onClosed({ ...LOST, retryAfterMs });
      connection.hurry('look');
      expect(untilNext()).toBe(3_500);
    },
  );

  it.each([Number.NaN, -1, Number.NEGATIVE_INFINITY])('treats a hint of %d ms as none', async (retryAfterMs) => {
    const { last, untilNext } = await open();
    last().onClosed({ ...LOST, retryAfterMs });
    expect(untilNext()).toBe(500);
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
  it('is the only one at a time, and reports nothing after its end', async () => {
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

  it('counts as lost if it does not open within ten seconds', async () => {
    const { script, told } = await open();
    vi.advanceTimersByTime(9_999);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(script.last().isClosed).toBe(true);
    expect(told).toMatchObject([{ status: 'retrying', code: null }]);
  });

  it('is reported as open once', async () => {
    const { last, told } = await open();
    last().onOpen();
    last().onOpen();
    last().onSession(showing(1));
    vi.advanceTimersByTime(60_000);
    expect(told).toEqual([{ status: 'open', transport: 'websocket' }]);
  });

  it('is replaced on demand, but only while it is open', async () => {
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

  it('knows whether it is visible, and so does the next one', async () => {
    const { connection, script, last, untilNext } = await open({ visible: false });
    expect(script.last().request.visible).toBe(false);
    connection.setVisible(true);
    expect(script.last().visible).toEqual([true]);
    last().onClosed(LOST);
    connection.setVisible(false);
    untilNext();
    expect(script.last().request.visible).toBe(false);
  });

  it('is not begun if it is closed at once', async () => {
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

  it('is closed together with everything that waits', async () => {
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
  it('is replaced by the next one after two tries without an answer, and one that opened is kept', async () => {
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

describe('an address without a gateway', () => {
  const told = ({ told: all }: Awaited<ReturnType<typeof open>>) =>
    all.map((next) => (next.status === 'retrying' ? next.code : next.status));

  it('is reported after three foreign responses, and tries go on until a gateway answers', async () => {
    const opened = await open({}, ['websocket', 'sse', 'long-poll']);
    for (const closed of [LOST, LOST, FOREIGN, FOREIGN, FOREIGN, FOREIGN, LOST]) {
      opened.last().onClosed(closed);
      opened.untilNext();
    }
    expect(told(opened)).toEqual([null, null, null, null, 'no_gateway', 'no_gateway', 'no_gateway']);
    opened.last().onOpen();
    opened.last().onClosed(LOST);
    expect(told(opened).slice(-2)).toEqual(['open', null]);
  });

  it('is not reported if the network fails in between, or a proxy is overloaded', async () => {
    const opened = await open({}, ['sse']);
    for (const closed of [FOREIGN, FOREIGN, LOST, FOREIGN, FOREIGN]) {
      opened.last().onClosed(closed);
      opened.untilNext();
    }
    expect(told(opened)).toEqual([null, null, null, null, null]);
  });

  it.each([
    ['had opened', null],
    ['had only said that it is busy', 'unavailable'],
  ] as const)('is not one whose gateway %s: what answers now is a proxy during a rollout', async (_what, code) => {
    const opened = await open({}, ['sse']);
    if (code === null) opened.last().onOpen();
    opened.last().onClosed({ ...LOST, code });
    opened.untilNext();
    for (let i = 0; i < 10; i++) {
      opened.last().onClosed(FOREIGN);
      opened.untilNext();
    }
    expect(told(opened)).not.toContain('no_gateway');
    expect(told(opened).at(-1)).toBe(code);
  });
});
