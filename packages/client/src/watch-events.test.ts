import { describe, expect, it, vi } from 'vitest';
import { connected, SERVER, showing } from '../test/session.ts';
import { prepareWatches, REVOKED } from '../test/watch.ts';
import type { SessionWatch, WatchEvent } from './types.ts';

const { open } = prepareWatches();

describe('a listener', () => {
  it('is removed by its own function, and only itself', async () => {
    const { watch, server } = await open();
    const listener = vi.fn();
    const undo = watch.on('session', listener);
    watch.on('session', listener);
    undo();
    undo();
    server().onSession(showing(1));
    expect(listener).toHaveBeenCalledOnce();
  });

  it('that throws does not stop the others, and its error is reported', async () => {
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

describe('a loop over the events', () => {
  async function read(watch: SessionWatch): Promise<WatchEvent[]> {
    const events: WatchEvent[] = [];
    for await (const event of watch) events.push(event);
    return events;
  }
  const names = (events: WatchEvent[]): string[] => events.map(({ type }) => type);

  it('begins with the current state and ends with the final event, however slow it is', async () => {
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

  it('gets each change if it is fast enough', async () => {
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

  it('that begins after the end, ends', async () => {
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

  it('that is left closes neither the watch nor other loops', async () => {
    const { watch, server } = await open();
    const other = read(watch);
    for await (const _first of watch) break;
    server().onOpen();
    expect(watch.snapshot.connection.status).toBe('open');
    server().onSession(connected(2));
    expect(names(await other).at(-1)).toBe('final');
  });
});
