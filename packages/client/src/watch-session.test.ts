import { describe, expect, it, vi } from 'vitest';
import { connected, ended, SERVER, sampleSession, showing } from '../test/session.ts';
import { prepareWatches, REVOKED } from '../test/watch.ts';
import { DONE, LOST } from './closed.ts';

const { open } = prepareWatches();

describe('the snapshot', () => {
  it('passes on what only a newer gateway knows, and continues', async () => {
    const { watch, server, told } = await open();
    server().onOpen();
    const notice = { code: 'invented_later' as 'rate_limited', retryAt: SERVER };
    server().onSession(sampleSession({ version: 2, notice }));
    server().onSession(sampleSession({ version: 3, state: 'reflecting' as 'waiting' }));
    expect(watch.snapshot.session?.state).toBe('reflecting');
    server().onSession(connected(4));
    expect(told).toEqual(['open', 'session 2', 'session 3', 'session 4', 'closed', 'final 4']);
  });

  it('is the same value until something changes', async () => {
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

  it('has no code after a refusal or close()', async () => {
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
  it.each([connected(7), ended(7, false)])('is a final state ($state): reported last, with nothing left open', async (last) => {
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

  it('is not an end that can be resumed', async () => {
    const { watch, server } = await open();
    server().onOpen();
    server().onSession(ended(7, true));
    server().onSession(connected(8));
    expect(watch.snapshot.session?.state).toBe('connected');
  });

  it('comes with the signal, even if it was aborted before', async () => {
    const controller = new AbortController();
    const { watch, script } = await open({ signal: controller.signal });
    controller.abort();
    expect([watch.snapshot.connection.status, script.last().isClosed]).toEqual(['closed', true]);
    const late = await open({ signal: controller.signal });
    expect([late.watch.snapshot.connection.status, late.script.opened.length]).toEqual(['closed', 0]);
  });

  it('can be caused by a listener, which is then not called again', async () => {
    const { watch, server, told } = await open();
    watch.on('session', () => watch.close());
    server().onOpen();
    server().onSession(showing(1));
    server().onSession(showing(2));
    expect(told).toEqual(['open', 'session 1', 'stale 1', 'closed']);
  });
});

describe('a renewed ticket', () => {
  it('is used for all later requests, and may be for another session', async () => {
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
