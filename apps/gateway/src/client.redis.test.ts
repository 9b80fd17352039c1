/** The client SDK over each of its transports, against the real gateway. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { watchSession } from '@qrcast/client';
import { socketIo } from '@qrcast/client/socket-io';
import type { Session, SessionWatch, WatchEvent, WatchEvents, WatchOptions } from '@qrcast/client/types';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/core/upstream';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import { io } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { imageOf, openTestGateway, type TestGateway } from '../test/gateway.ts';

const TRANSPORTS = {
  websocket: () => 'websocket' as const,
  sse: () => 'sse' as const,
  'long-poll': () => 'long-poll' as const,
  'socket.io': () => socketIo(io),
};

/** How the provider answers a password. */
let verdict = { status: 'success', reason: '' };
let provider: Server;
let test: TestGateway;
beforeAll(async () => {
  provider = createServer(async (request, response) => {
    await textOf(request);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ status: true, data: verdict }));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  test = await openTestGateway({ upstreamHosts: [...DEFAULT_UPSTREAM_HOSTS, providerUrl()] });
});
const watches = new Set<SessionWatch>();
afterEach(() => {
  for (const watch of watches) watch.close();
  watches.clear();
});
afterAll(async () => {
  await test.close();
  await new Promise((resolve) => provider.close(resolve));
});

const providerUrl = (): string => `http://127.0.0.1:${(provider.address() as AddressInfo).port}`; // it listens on TCP

describe.each(Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[])('a watch over %s', (name) => {
  const transport = TRANSPORTS[name];

  function watch(ticket: string, options: Partial<WatchOptions> = {}): SessionWatch {
    const opened = watchSession({ url: test.url, ticket, transport: transport(), ...options });
    watches.add(opened);
    return opened;
  }

  it('shows the live code, its confirmation and the end, in order', async () => {
    const { session, ticket } = await test.create();
    const opened = watch(ticket);
    const told: WatchEvent[] = [];
    const reading = (async () => {
      for await (const event of opened) told.push(event);
    })();
    await until(opened, ({ state }) => state === 'waiting');
    expect(opened.snapshot.connection).toEqual({ status: 'open', transport: name });
    await test.showCode(session.id, 'AAAA');
    const first = await until(opened, ({ code }) => code?.image === imageOf('AAAA'));
    // The gateway's time, not its own clock.
    expect(Math.abs((opened.serverNow() ?? 0) - test.node.clock.now())).toBeLessThan(60_000);
    await test.showCode(session.id, 'AAAA');
    const second = await until(opened, ({ version }) => version > first.version);
    expect(second.code).toEqual({ ...first.code, staleAt: expect.any(Number) });
    expect(second.code?.staleAt).toBeGreaterThanOrEqual(first.code?.staleAt ?? Number.POSITIVE_INFINITY);
    await test.answer(session.id, { kind: 'authorized', account: { wid: '79990000000@c.us', phone: '79990000000' } });
    await reading;
    expect(opened.snapshot).toMatchObject({ session: { account: { phone: '79990000000' } }, connection: { status: 'closed' } });
    expect(told.at(-1)).toEqual({ type: 'final', data: opened.snapshot.session });
    const versions = told.filter(({ type }) => type === 'session' || type === 'fresh').map(({ data }) => (data as Session).version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    expect(told.map(({ type }) => type)).toContain('fresh');
  });

  it('leaves the picture out for a text-only viewer', async () => {
    const { session, ticket } = await test.create();
    const opened = watch(ticket, { formats: ['text'] });
    await until(opened, ({ state }) => state === 'waiting');
    await test.showCode(session.id, 'AAAA');
    expect((await until(opened, ({ state }) => state === 'showing')).code?.image).toBeNull();
  });

  it('counts as a viewer only while it is visible', async () => {
    const { session, ticket } = await test.create();
    const opened = watch(ticket, { visible: false });
    await until(opened, ({ state }) => state === 'idle');
    opened.setVisible(true);
    await until(opened, ({ state }) => state === 'waiting');
    expect(await test.isQueued(session.id)).toBe(true);
  });

  it('hides the code when it becomes stale, even if the gateway has gone', async () => {
    const policy = { ...DEFAULT_POLICY, codeTtlMs: 3_000 };
    const lonely = await openTestGateway({ policy });
    const { session, ticket } = await lonely.create();
    const opened = watch(ticket, { url: lonely.url });
    await until(opened, ({ state }) => state === 'waiting');
    await lonely.showCode(session.id, 'AAAA');
    const { code } = await until(opened, ({ state }) => state === 'showing');
    // Timers run in the order in which they are due, however late this process is.
    const order: string[] = [];
    const stale = next(opened, 'stale').finally(() => order.push('taken away'));
    const leftMs = (code?.staleAt ?? 0) - (opened.serverNow() ?? 0);
    const atStale = delay(leftMs).then(() => order.push('stale'));
    await lonely.close();
    expect((await stale).code).toBeNull();
    await atStale;
    expect(order).toEqual(['taken away', 'stale']);
    expect(opened.snapshot.session).toMatchObject({ state: 'showing', code: null });
    expect(opened.snapshot.connection.status).toBe('retrying');
  });

  it('continues at another gateway when its own stops, and gets no state twice', async () => {
    const first = await openTestGateway({ namespace: test.namespace });
    let target = first.gateway.port;
    const proxy = await openTestProxy(() => target);
    const { session, ticket } = await test.create();
    const opened = watch(ticket, { url: `http://127.0.0.1:${proxy.port}` });
    const versions: number[] = [];
    opened.on('session', ({ version }) => versions.push(version));
    await until(opened, ({ state }) => state === 'waiting');
    await test.showCode(session.id, 'AAAA');
    await until(opened, ({ code }) => code?.image === imageOf('AAAA'));
    target = test.gateway.port;
    await first.close(); // a long-poll that waits between two requests does not notice
    await test.showCode(session.id, 'BBBB');
    await until(opened, ({ code }) => code?.image === imageOf('BBBB'));
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    opened.close();
    await proxy.close();
  });

  it('submits the password, and reports why it was refused', async () => {
    const { session, ticket } = await test.create({ apiUrl: providerUrl() });
    const opened = watch(ticket);
    await until(opened, ({ state }) => state === 'waiting');
    expect(await opened.sendPassword('too early')).toMatchObject({
      ok: false,
      error: { code: 'not_waiting_for_password', retryable: false },
    });
    await test.answer(session.id, { kind: 'passwordWanted' });
    await until(opened, ({ state }) => state === 'password');
    verdict = { status: 'fail', reason: 'invalid_password' };
    const refused = await opened.sendPassword('wrong-one');
    expect(refused).toMatchObject({ ok: false, error: { code: 'password_rejected', retryable: true } });
    expect(JSON.stringify(refused)).not.toContain('wrong-one');
    await until(opened, ({ notice }) => notice?.code === 'password_rejected');
    verdict = { status: 'success', reason: '' };
    expect(await opened.sendPassword('right-one')).toEqual({ ok: true });
    const empty = await opened.sendPassword('');
    expect(empty).toMatchObject({ ok: false, error: { code: 'invalid_request', detail: expect.stringContaining('password') } });
  });

  it('begins a new attempt after a deadline', async () => {
    const { session, ticket } = await test.create();
    const opened = watch(ticket);
    await until(opened, ({ state }) => state === 'waiting');
    expect(await opened.resume()).toMatchObject({ ok: false, error: { code: 'not_resumable' } });
    await test.passDeadline(session.id);
    const ended = await until(opened, ({ state }) => state === 'ended');
    expect(ended.end).toEqual({ reason: 'deadline', resumable: true });
    expect(await opened.resume()).toEqual({ ok: true });
    await until(opened, ({ state, version }) => state === 'waiting' && version > ended.version);
  });

  it('ends when the ticket is revoked, and does not keep asking for another', async () => {
    const { session, ticket, ticketId } = await test.create();
    let asked = 0;
    const renewTicket = async (): Promise<string> => {
      asked++;
      return ticket;
    };
    const opened = watch(ticket, { renewTicket });
    await until(opened, ({ state }) => state === 'waiting');
    const refused = next(opened, 'connection', ({ status }) => status === 'refused');
    await test.call('DELETE', `/v1/tickets/${ticketId}`);
    const { code } = (await refused) as { code: string };
    // A page that polls learns only that its ticket is not valid.
    expect([code, asked]).toEqual(name === 'long-poll' ? ['unauthenticated', 1] : ['ticket_revoked', 0]);
    expect(opened.snapshot.session?.id).toBe(session.id);
  });

  it('continues with a renewed ticket when the old one expires', async () => {
    const { session } = await test.create();
    const expiresAt = Math.ceil(Date.now() / 1_000) * 1_000 + 4_000;
    const renewed = await test.ticketFor(session.id);
    const opened = watch(await test.ticketFor(session.id, { expiresAt }), { renewTicket: async () => renewed });
    const versions: number[] = [];
    opened.on('session', ({ version }) => versions.push(version));
    const losing = next(opened, 'connection', ({ status }) => status === 'retrying');
    await until(opened, ({ state }) => state === 'waiting');
    const lost = await losing;
    expect(lost).toMatchObject({ code: name === 'long-poll' ? 'unauthenticated' : 'ticket_expired' });
    await next(opened, 'connection', ({ status }) => status === 'open');
    await test.showCode(session.id, 'AAAA');
    await until(opened, ({ state }) => state === 'showing');
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });

  it.each([
    ['unauthenticated', async () => 'no ticket of ours'],
    ['forbidden', (id: string) => test.ticketFor(id, { scopes: ['password'] })],
    ['not_found', () => test.ticketFor('ses_none')],
  ] as const)('is refused as %s, and does not come back', async (code, ticketOf) => {
    const { session } = await test.create();
    const opened = watch(await ticketOf(session.id));
    const refused = await next(opened, 'connection', ({ status }) => status === 'refused');
    expect(refused).toEqual({ status: 'refused', code, detail: expect.any(String) });
    expect(opened.snapshot.session).toBeNull();
  });
});

/** The first state that fits, already there or to come. */
function until(watch: SessionWatch, fits: (session: Session) => boolean): Promise<Session> {
  return new Promise((resolve) => {
    const look = (): void => {
      const { session } = watch.snapshot;
      if (session === null || !fits(session)) return;
      undo();
      resolve(session);
    };
    const undo = watch.subscribe(look);
    look();
  });
}

/** The next event that fits. */
function next<K extends keyof WatchEvents>(
  watch: SessionWatch,
  type: K,
  fits: (data: WatchEvents[K]) => boolean = () => true,
): Promise<WatchEvents[K]> {
  return new Promise((resolve) => {
    const undo = watch.on(type, (data) => {
      if (!fits(data)) return;
      undo();
      resolve(data);
    });
  });
}
