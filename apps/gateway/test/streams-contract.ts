/** What every stream must do, over each transport, as a stock client sees it. */

import { ERRORS, type ErrorCode } from '@qrcast/core/errors';
import { isFinal } from '@qrcast/core/session';
import { type WireSession, wireSessionSchema } from '@qrcast/core/wire';
import { isOneServer } from '@qrcast/runtime/test/one-server';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Body, imageOf, openTestGateway, type TestGateway, type TestGatewayOptions } from './gateway.ts';
import type { Ending, StreamClient, StreamRequest, StreamTransport } from './stream-clients.ts';

const ACCOUNT = { wid: '79990000000@c.us', phone: '79990000000' };
const APP = 'https://app.example.com';

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a suite whose tests share one set-up.
export function describeStream(transport: StreamTransport): void {
  // biome-ignore lint/complexity/noExcessiveLinesPerFunction: the same suite.
  describe(`Stream contract: ${transport.name}`, () => {
    let test: TestGateway;
    const open: { close(): unknown }[] = [];
    beforeAll(async () => {
      test = await openTestGateway();
    });
    afterAll(() => test.close());
    afterEach(async () => {
      for (const one of open.splice(0).reverse()) await one.close();
    });

    function view(request: Partial<StreamRequest> & { ticket: string }): StreamClient {
      const client = transport.open({ url: test.url, ...request });
      open.push(client);
      return client;
    }

    async function openGateway(options: TestGatewayOptions): Promise<TestGateway> {
      const gateway = await openTestGateway(options);
      open.push(gateway);
      return gateway;
    }

    /** Makes a session that a new client watches. */
    async function watched(request: Partial<StreamRequest> = {}): Promise<Body & { client: StreamClient }> {
      const made = await test.create();
      const client = view({ ticket: made.ticket, ...request });
      await client.told.until('session', ({ state }) => state === 'waiting');
      return { ...made, client };
    }

    const untilShown = ({ told }: StreamClient, name: string): Promise<WireSession> =>
      told.until('session', ({ code }) => code?.image === imageOf(name));

    /** All versions that the client was sent, as whole states or as fresh. */
    const versions = ({ told }: StreamClient): number[] => [...told.all('session'), ...told.all('fresh')].map(({ version }) => version);

    const expectRising = (client: StreamClient): void => {
      const told = client.told.all('session').map(({ version }) => version);
      expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
      expect(new Set(versions(client)).size).toBe(versions(client).length);
    };

    /** The end as the transport tells it. Long-poll has no closing; its next request is refused. */
    function expectEnding(ending: Ending, reason: string, number: number, refusal: ErrorCode): void {
      if (transport.hasClosing) expect(ending).toMatchObject({ code: reason, number });
      else expect(ending).toMatchObject({ code: refusal, status: ERRORS[refusal].status });
    }

    it('sends the state at once, then every newer one in order, and ends done after the last', async () => {
      const { session, ticket } = await test.create();
      await test.call('GET', `/v1/sessions/${session.id}`);
      await test.showCode(session.id, 'AAAA');
      const client = view({ ticket });
      const first = wireSessionSchema.parse(await client.told.until('session'));
      expect(first).toMatchObject({ id: session.id, state: 'showing', code: { image: imageOf('AAAA') } });
      await test.showCode(session.id, 'BBBB');
      await untilShown(client, 'BBBB');
      await test.answer(session.id, { kind: 'passwordWanted' });
      await client.told.until('session', ({ state }) => state === 'password');
      await test.answer(session.id, { kind: 'authorized', account: ACCOUNT });
      expect((await client.told.until('session', ({ state }) => state === 'connected')).account).toEqual(ACCOUNT);
      expect(await client.ended).toMatchObject(transport.hasClosing ? { code: 'done', number: 1000 } : { code: 'done' });
      expectRising(client);
      expect(client.told.all('session').at(-1)?.state).toBe('connected');
    });

    it('sends the state of a session that has ended already, and ends done', async () => {
      const { session, ticket } = await test.create();
      await test.call('DELETE', `/v1/sessions/${session.id}`);
      const client = view({ ticket });
      expect((await client.told.until('session')).end).toEqual({ reason: 'cancelled', resumable: false });
      expect((await client.ended).code).toBe('done');
    });

    it('starts the session it watches, and counts as a viewer', async () => {
      const { session } = await watched();
      expect(await test.isQueued(session.id)).toBe(true);
      while ((await test.call('GET', `/v1/sessions/${session.id}?visible=false`)).body.session.viewers < 1);
    });

    if (transport.canHide) {
      it('neither starts the session nor counts as a viewer while hidden', async () => {
        const { session, ticket } = await test.create();
        const hidden = view({ ticket, isVisible: false });
        await hidden.told.until('session');
        const read = await test.call('GET', `/v1/sessions/${session.id}?visible=false`);
        expect([read.body.session.state, read.body.session.viewers, await test.isQueued(session.id)]).toEqual(['idle', 0, false]);
        await test.node.sessions.apply(session.id, { kind: 'watched', at: test.node.clock.now() });
        await hidden.told.until('session', ({ state }) => state === 'waiting');
      });
    }

    it('does not send again what the viewer has', async () => {
      const { session, ticket } = await test.create();
      await test.call('GET', `/v1/sessions/${session.id}`);
      const { version } = await test.showCode(session.id, 'AAAA');
      const behind = view({ ticket, after: version - 1 });
      expect((await behind.told.until('session')).version).toBe(version);
      const client = view({ ticket, after: version });
      while ((await test.call('GET', `/v1/sessions/${session.id}`)).body.session.viewers < 2);
      const next = await test.showCode(session.id, 'BBBB');
      expect((await client.told.until('session')).version).toBe(next.version);
    });

    it('sends a code in the formats that were requested', async () => {
      const { session, ticket } = await test.create();
      const [text, image] = [view({ ticket, formats: ['text'] }), view({ ticket, formats: ['image'] })];
      await Promise.all([text, image].map(({ told }) => told.until('session', ({ state }) => state === 'waiting')));
      await test.answer(session.id, { kind: 'code', digest: 'AAAA', image: imageOf('AAAA'), text: 'https://max.ru/:auth/x' });
      const shown = ({ told }: StreamClient) => told.until('session', ({ state }) => state === 'showing');
      expect((await shown(text)).code).toMatchObject({ image: null, text: 'https://max.ru/:auth/x' });
      expect((await shown(image)).code).toMatchObject({ image: imageOf('AAAA'), text: null });
    });

    it('sends the later end of a code that was confirmed', async () => {
      const { session, client } = await watched();
      await test.showCode(session.id, 'AAAA');
      const shown = await untilShown(client, 'AAAA');
      const { version } = await test.showCode(session.id, 'AAAA');
      const staleAt = shown.code?.staleAt ?? Number.POSITIVE_INFINITY;
      if (transport.hasFresh) {
        const fresh = await client.told.until('fresh');
        expect(fresh).toMatchObject({ id: session.id, version });
        expect(fresh.staleAt).toBeGreaterThanOrEqual(staleAt);
        expect(client.told.all('session').filter(({ state }) => state === 'showing')).toHaveLength(1);
      } else {
        const again = await client.told.until('session', (session) => session.version === version);
        expect(again.code?.staleAt).toBeGreaterThanOrEqual(staleAt);
      }
    });

    it('goes on after an end that can be resumed', async () => {
      const { session, ticket, client } = await watched();
      await test.passDeadline(session.id);
      expect((await client.told.until('session', ({ state }) => state === 'ended')).end).toEqual({ reason: 'deadline', resumable: true });
      const resumed = await test.call('POST', '/v1/sessions/self/resume', { secret: ticket });
      expect(resumed.status).toBe(200);
      await client.told.until('session', ({ version }) => version >= resumed.body.session.version);
      await test.showCode(session.id, 'AAAA');
      await untilShown(client, 'AAAA');
      expectRising(client);
    });

    it('does not mix two sessions', async () => {
      const [one, two] = [await watched(), await watched()];
      await Promise.all([test.showCode(one.session.id, 'ONE'), test.showCode(two.session.id, 'TWO')]);
      await Promise.all([untilShown(one.client, 'ONE'), untilShown(two.client, 'TWO')]);
      for (const { client, session } of [one, two]) {
        expect(client.told.all('session').every(({ id }) => id === session.id)).toBe(true);
      }
    });

    it('ends upon the revocation of its ticket', async () => {
      const { ticketId, client } = await watched();
      await test.call('DELETE', `/v1/tickets/${ticketId}`);
      expectEnding(await client.ended, 'ticket_revoked', 4507, 'unauthenticated');
    });

    it('ends with its ticket', async () => {
      const { session } = await test.create();
      const expiresAt = Math.ceil(Date.now() / 1000) * 1000 + 4_000;
      const client = view({ ticket: await test.ticketFor(session.id, { expiresAt }) });
      await client.told.until('session');
      expectEnding(await client.ended, 'ticket_expired', 4506, 'unauthenticated');
      expect(Date.now()).toBeGreaterThanOrEqual(expiresAt - 100);
    });

    it('is refused with the code for what is wrong with its ticket', async () => {
      const { session, ticketId, ticket } = await test.create();
      await test.call('DELETE', `/v1/tickets/${ticketId}`);
      const past = Date.now() - 60_000;
      const gone = sampleSession({ tenantId: test.tenant.id, expiresAt: past + 30_000 }, past);
      await test.node.sessions.create(gone, '');
      const bound = await test.ticketFor(session.id, { origins: [APP] });
      const cases: readonly [ErrorCode, number, Partial<StreamRequest> & { ticket: string }][] = [
        ['unauthenticated', 4501, { ticket: 'no-ticket-of-ours' }],
        ['unauthenticated', 4507, { ticket }],
        ['unauthenticated', 4506, { ticket: await test.ticketFor(session.id, { expiresAt: Date.now() - 1_000 }) }],
        ['forbidden', 4503, { ticket: await test.ticketFor(session.id, { scopes: ['password'] }) }],
        ['origin_not_allowed', 4503, { ticket: bound, origin: 'https://evil.example.com' }],
        ['not_found', 4504, { ticket: await test.ticketFor('ses_none') }],
        ['session_expired', 4505, { ticket: await test.ticketFor(gone.id) }],
      ];
      for (const [code, number, request] of cases) {
        const client = view(request);
        const ending = await client.ended;
        if (ending.number !== undefined) expect(ending.number).toBe(number);
        else if (ending.code !== undefined) expect(ending.code).toBe(code);
        if (ending.status !== undefined) expect(ending.status).toBe(ERRORS[code].status);
        expect(client.told.order).toEqual([]);
      }
      await view({ ticket: bound, origin: APP }).told.until('session');
    });

    const { pause } = transport;
    if (pause !== null) {
      it('sends a slow reader the newest state, and holds nobody up', async () => {
        const { session, ticket, client: slow } = await watched();
        const quick = view({ ticket });
        await quick.told.until('session', ({ state }) => state === 'waiting');
        const before = slow.told.all('session').length;
        slow.pause(true);
        const names = Array.from({ length: 16 }, (_, i) => `${i}-`.padEnd(pause.pictureBytes, 'x'));
        for (const name of names) {
          await test.showCode(session.id, name);
          await untilShown(quick, name);
        }
        slow.pause(false);
        await untilShown(slow, names.at(-1) ?? '');
        expect(slow.told.all('session').length - before).toBeLessThanOrEqual(pause.mostUnderWay);
        expectRising(slow);
        slow.pause(true);
        await test.showCode(session.id, 'last');
        await test.call('DELETE', `/v1/sessions/${session.id}`);
        slow.pause(false);
        await slow.told.until('session', ({ state }) => state === 'ended');
        expect((await slow.ended).code).toBe('done');
      });
    }

    it('is told to reconnect by a gateway that stops, and misses nothing on another', async () => {
      const leaving = await openGateway({ namespace: test.namespace });
      const { session, ticket, client } = await watched({ url: leaving.url });
      const closed = leaving.gateway.close(0);
      if (transport.hasClosing) {
        const { retryAfterMs } = await client.told.until('draining');
        expect(retryAfterMs).toBeLessThanOrEqual(1_000);
        expect(await client.ended).toMatchObject({ code: 'draining', number: 1012 });
      } else {
        await client.ended.catch(() => undefined); // it was answered, and its next request finds no gateway
      }
      await closed;
      const { version } = await test.showCode(session.id, 'AAAA');
      const after = Math.max(...versions(client));
      const back = view({ ticket, after });
      expect((await untilShown(back, 'AAAA')).version).toBe(version);
    });

    it('is refused by a gateway that is full, and admitted once a slot is free', async () => {
      const full = await openGateway({ namespace: test.namespace, maxConnections: 1 });
      const { session, ticket } = await test.create();
      const after = (await test.call('GET', `/v1/sessions/${session.id}`)).body.session.version;
      const first = view({ ticket, after, url: full.url });
      while ((await test.call('GET', `/v1/sessions/${session.id}`)).body.session.viewers < 1);
      const ending = await view({ ticket, after, url: full.url }).ended;
      if (ending.number !== undefined) expect(ending.number).toBe(4000);
      if (ending.code !== undefined) expect(ending.code).toBe('unavailable');
      first.close();
      while ((await test.call('GET', `/v1/sessions/${session.id}`)).body.session.viewers > 0);
      await test.showCode(session.id, 'AAAA');
      await untilShown(view({ ticket, url: full.url }), 'AAAA');
    });

    it.runIf(isOneServer())('goes on after Redis was unreachable, with the newest state', async () => {
      const redisUrl = new URL(inject('redisUrl'));
      const proxy = await openTestProxy(Number(redisUrl.port));
      open.push(proxy);
      redisUrl.port = String(proxy.port);
      const behind = await openGateway({ namespace: test.namespace, redisUrl: redisUrl.href });
      const { session, client } = await watched({ url: behind.url });
      proxy.refuse(true);
      proxy.cut();
      for (const name of ['ONE', 'TWO', 'THREE']) await test.showCode(session.id, name); // by the worker, which reaches Redis
      proxy.refuse(false);
      await untilShown(client, 'THREE');
      while ((await behind.call('GET', '/readyz', { secret: null })).status !== 200);
      await test.showCode(session.id, 'FOUR');
      await untilShown(client, 'FOUR');
      expectRising(client);
      expect(isFinal((await test.node.sessions.find(session.id)) ?? expect.unreachable('the session is gone'))).toBe(false);
    });
  });
}
