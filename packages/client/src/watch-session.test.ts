import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DONE, LOST } from './closed.ts';
import { connected, ended, SERVER, showing } from './test-session.ts';
import { createScript } from './test-transport.ts';
import type { SessionWatch, WatchEvent, WatchOptions } from './types.ts';
import { watchSession } from './watch-session.ts';

const REVOKED = { code: 'ticket_revoked', detail: 'why', retryable: false, retryAfterMs: 0 } as const;
const TYPES = ['session', 'fresh', 'stale', 'connection', 'final'] as const;

const watches = new Set<SessionWatch>();
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  for (const watch of watches) watch.close();
  watches.clear();
  expect(vi.getTimerCount(), 'timers that are left').toBe(0);
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

async function open(options: Partial<WatchOptions> = {}) {
  const script = createScript();
  const watch = watchSession({ url: 'https://qrcast.example.com', ticket: 'first', transport: script.transport(), ...options });
  watches.add(watch);
  const told: string[] = [];
  for (const type of TYPES) watch.on(type, (data) => told.push('version' in data ? `${type} ${data.version}` : data.status));
  await Promise.resolve();
  return { watch, script, told, server: () => script.last().handlers };
}

describe('the snapshot', () => {
  it('is the same value until something changes, and a new one then', async () => {
    const { watch, server } = await open();
    const seen = [watch.snapshot];
    watch.subscribe(() => seen.push(watch.snapshot));
    expect(watch.snapshot).toEqual({ session: null, connection: { status: 'connecting' } });
    expect(watch.serverNow()).toBeNull();
    server().onOpen();
    server().onSession(showing(2));
    server().onSession(showing(2));
    server().onSession(showing(1));
    server().onFresh({ id: 'ses_1', version: 3, staleAt: SERVER + 40_000 });
    server().onFresh({ id: 'ses_1', version: 3, staleAt: SERVER + 50_000 });
    expect(seen).toHaveLength(4);
    expect(new Set(seen).size).toBe(4);
    expect(seen[2]).toEqual({ session: showing(2), connection: { status: 'open', transport: 'websocket' } });
    expect(seen[3]?.session?.code?.staleAt).toBe(SERVER + 40_000);
    expect(seen[2]?.session?.code?.staleAt, 'an old one does not change').toBe(SERVER + 20_000);
    vi.advanceTimersByTime(5_000);
    expect(watch.snapshot).toBe(seen[3]);
    expect(watch.serverNow()).toBe(SERVER + 5_000);
  });

  it('has no code from staleAt on, whatever the connection does', async () => {
    const { watch, server, told } = await open();
    server().onOpen();
    server().onSession(showing(1, 20_000));
    server().onClosed(LOST);
    vi.advanceTimersByTime(19_600);
    expect(watch.snapshot.session?.code).not.toBeNull();
    vi.advanceTimersByTime(100);
    expect(watch.snapshot.session).toEqual({ ...showing(1), code: null });
    expect(watch.serverNow()).toBeLessThan(SERVER + 20_000);
    expect(told).toEqual(['open', 'session 1', 'retrying', 'retrying', 'stale 1']);
  });

  it('has none after a refusal and after the close', async () => {
    const refused = await open();
    refused.server().onSession(showing(1));
    refused.server().onClosed(REVOKED);
    expect(refused.watch.snapshot).toEqual({
      session: { ...showing(1), code: null },
      connection: { status: 'refused', code: 'ticket_revoked', detail: 'why' },
    });
    expect(refused.told).toEqual(['session 1', 'stale 1', 'refused']);
    const closed = await open();
    closed.server().onSession(showing(1));
    closed.watch.close();
    expect(closed.watch.snapshot).toEqual({ session: { ...showing(1), code: null }, connection: { status: 'closed' } });
    expect(closed.told).toEqual(['session 1', 'stale 1', 'closed']);
  });
});

describe('the end', () => {
  it.each([connected(7), ended(7, false)])('is a final state ($state): told last, with nothing left open', async (last) => {
    const { watch, server, script, told } = await open();
    const changes = vi.fn();
    server().onOpen();
    server().onSession(showing(6));
    watch.subscribe(changes);
    server().onSession(last);
    expect(told).toEqual(['open', 'session 6', 'session 7', 'closed', 'final 7']);
    expect(changes).toHaveBeenCalledOnce();
    expect(watch.snapshot).toEqual({ session: last, connection: { status: 'closed' } });
    expect(script.last().isClosed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    server().onClosed(DONE);
    watch.close();
    expect(told).toHaveLength(5);
  });

  it('is no resumable one', async () => {
    const { watch, server } = await open();
    server().onOpen();
    server().onSession(ended(7, true));
    server().onSession(connected(8));
    expect(watch.snapshot.session?.state).toBe('connected');
  });

  it('comes with the signal, also with one that was given already', async () => {
    const controller = new AbortController();
    const { watch, script } = await open({ signal: controller.signal });
    controller.abort();
    expect([watch.snapshot.connection.status, script.last().isClosed]).toEqual(['closed', true]);
    const late = await open({ signal: controller.signal });
    expect([late.watch.snapshot.connection.status, late.script.opened.length]).toEqual(['closed', 0]);
  });

  it('can be made by a listener, who hears nothing more', async () => {
    const { watch, server, told } = await open();
    watch.on('session', () => watch.close());
    server().onOpen();
    server().onSession(showing(1));
    server().onSession(showing(2));
    expect(told).toEqual(['open', 'session 1', 'stale 1', 'closed']);
  });
});

describe('a listener', () => {
  it('is gone after its undo, which takes away only itself', async () => {
    const { watch, server } = await open();
    const listener = vi.fn();
    const undo = watch.on('session', listener);
    watch.on('session', listener);
    undo();
    undo();
    server().onSession(showing(1));
    expect(listener).toHaveBeenCalledOnce();
  });

  it('that throws harms nobody, and is heard of', async () => {
    const { watch, server, told } = await open();
    const later: (() => void)[] = [];
    vi.stubGlobal('queueMicrotask', (run: () => void) => later.push(run));
    watch.subscribe(() => {
      throw new Error('their own fault');
    });
    server().onOpen();
    server().onSession(connected(1));
    expect(told).toEqual(['open', 'session 1', 'closed', 'final 1']);
    expect(later).toHaveLength(2);
    expect(later[0]).toThrow('their own fault');
  });
});

describe('the page', () => {
  function stubPage(visibilityState = 'visible') {
    const window = new EventTarget();
    const document = Object.assign(new EventTarget(), { visibilityState });
    vi.stubGlobal('document', document);
    vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
    return {
      window,
      become(state: string) {
        document.visibilityState = state;
        document.dispatchEvent(new Event('visibilitychange'));
      },
    };
  }

  it('says whether anybody can see it', async () => {
    const page = stubPage('hidden');
    const { script, watch } = await open();
    expect(script.last().request.visible).toBe(false);
    page.become('visible');
    page.become('hidden');
    expect(script.last().visible).toEqual([true, false]);
    watch.close();
    page.become('visible');
    expect(script.last().visible).toHaveLength(2);
  });

  it('is not asked by who says so himself', async () => {
    const page = stubPage('hidden');
    const fixed = await open({ visible: true });
    expect(fixed.script.last().request.visible).toBe(true);
    const later = await open();
    later.watch.setVisible(true);
    page.become('visible');
    page.become('hidden');
    expect([fixed.script.last().visible, later.script.last().visible]).toEqual([[], [true]]);
  });

  it.each(['online', 'visible'])('hurries a try that waits when it is %s', async (what) => {
    const page = stubPage('hidden');
    const { server, script } = await open();
    server().onClosed(LOST);
    if (what === 'online') page.window.dispatchEvent(new Event('online'));
    else page.become('visible');
    vi.advanceTimersByTime(0);
    expect(script.opened).toHaveLength(2);
  });

  it('that wakes up has no dead code, before any timer runs', async () => {
    const page = stubPage('hidden');
    const { server, watch } = await open();
    server().onOpen();
    server().onSession(showing(1, 20_000));
    vi.setSystemTime(Date.now() + 600_000); // asleep: only the wall clock went on
    page.window.dispatchEvent(new Event('pageshow'));
    expect(watch.snapshot.session?.code).toBeNull();
  });
});

describe('a machine that slept', () => {
  it('is noticed within a second: the code goes, and a new connection asks for the whole state', async () => {
    const { server, watch, script, told } = await open();
    server().onOpen();
    server().onSession(showing(3, 20_000));
    vi.setSystemTime(Date.now() + 600_000);
    vi.advanceTimersByTime(1_000);
    expect(watch.snapshot.session?.code).toBeNull();
    expect(told).toEqual(['open', 'session 3', 'stale 3', 'retrying']);
    vi.advanceTimersByTime(500);
    expect(script.opened).toHaveLength(2);
    expect(script.last().request.after).toBe(0);
    server().onOpen();
    server().onSession({ ...showing(3, 20_000), serverNow: SERVER + 1_500 });
    expect(told.slice(4), 'somebody had only set the clock').toEqual(['open', 'fresh 3']);
    vi.advanceTimersByTime(5_000);
    expect(script.opened).toHaveLength(2);
  });
});

describe('a loop over the events', () => {
  async function read(watch: SessionWatch): Promise<WatchEvent[]> {
    const events: WatchEvent[] = [];
    for await (const event of watch) events.push(event);
    return events;
  }
  const names = (events: WatchEvent[]): string[] => events.map(({ type }) => type);

  it('begins with what stands and ends with the final word, however slow it is', async () => {
    const { watch, server } = await open();
    server().onOpen();
    server().onSession(showing(1));
    const reading = read(watch);
    for (let version = 2; version < 100; version++) server().onSession(showing(version));
    server().onSession(connected(100));
    const events = await reading;
    expect(events.at(-1)).toEqual({ type: 'final', data: connected(100) });
    expect(names(events)).toEqual(['connection', 'session', 'connection', 'final']);
    expect(events[1]).toMatchObject({ data: { version: 100 } });
  });

  it('sees each change that it keeps up with', async () => {
    const { watch, server } = await open();
    const loop = watch[Symbol.asyncIterator]();
    const next = async (): Promise<string | undefined> => ((await loop.next()).value as WatchEvent | undefined)?.type;
    const seen = [await next()];
    server().onOpen();
    seen.push(await next());
    server().onSession(showing(1, 20_000));
    seen.push(await next());
    server().onFresh({ id: 'ses_1', version: 2, staleAt: SERVER + 21_000 });
    seen.push(await next());
    vi.advanceTimersByTime(21_000);
    seen.push(await next());
    watch.close();
    seen.push(await next(), await next());
    expect(seen).toEqual(['connection', 'connection', 'session', 'fresh', 'stale', 'connection', undefined]);
  });

  it('that comes too late finds the end', async () => {
    const { watch, server } = await open();
    server().onSession(connected(3));
    expect(names(await read(watch))).toEqual(['connection', 'session', 'final']);
    const refused = await open();
    refused.server().onClosed(REVOKED);
    expect(await read(refused.watch)).toEqual([{ type: 'connection', data: { status: 'refused', code: 'ticket_revoked', detail: 'why' } }]);
  });

  it('ends with a refusal', async () => {
    const { watch, server } = await open();
    const reading = read(watch);
    server().onClosed(REVOKED);
    expect((await reading).at(-1)).toMatchObject({ data: { status: 'refused' } });
  });

  it('that is left leaves the watch open, and other loops alone', async () => {
    const { watch, server } = await open();
    const other = read(watch);
    for await (const _first of watch) break;
    server().onOpen();
    expect(watch.snapshot.connection.status).toBe('open');
    server().onSession(connected(2));
    expect(names(await other).at(-1)).toBe('final');
  });
});

describe('a renewed ticket', () => {
  it('is used for what is asked from then on, and may be of another session', async () => {
    const { watch, server, script } = await open({ renewTicket: async () => 'second' });
    server().onOpen();
    server().onSession(showing(9));
    server().onClosed({ ...REVOKED, code: 'ticket_expired' });
    await vi.advanceTimersByTimeAsync(0);
    expect(script.last().request).toMatchObject({ ticket: 'second', after: 0 });
    server().onOpen();
    server().onSession({ ...showing(1), id: 'ses_2' });
    expect(watch.snapshot.session).toMatchObject({ id: 'ses_2', version: 1 });
  });
});
