import { wireSessionSchema } from '@qrcast/core/wire';
import { sampleSession } from '@qrcast/runtime/test-runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageOf, openTestGateway, type TestGateway } from './test-gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

describe('a Socket.IO handshake', () => {
  it('is refused with the code of what is wrong with the ticket', async () => {
    const { session, ticketId, ticket } = await test.create();
    await test.call('DELETE', `/v1/tickets/${ticketId}`);
    const past = Date.now() - 60_000;
    const gone = sampleSession({ tenantId: test.tenant.id, expiresAt: past + 30_000 }, past);
    await test.node.sessions.create(gone, '');
    const cases = [
      ['unauthenticated', 'no ticket of ours'],
      ['unauthenticated', test.tenant.apiKey],
      ['unauthenticated', ticket], // revoked
      ['unauthenticated', await test.ticketFor(session.id, { expiresAt: Date.now() - 1_000 })],
      ['forbidden', await test.ticketFor(session.id, { scopes: ['password'] })],
      ['not_found', await test.ticketFor('ses_none')],
      ['session_expired', await test.ticketFor(gone.id)],
      ['invalid_request', ''],
    ] as const;
    for (const [code, secret] of cases) {
      const refused = await test.view(secret).refused;
      expect(refused).toMatchObject({ code, retryable: false });
      if (secret !== '') expect(JSON.stringify(refused)).not.toContain(secret);
    }
  });

  it.each([{ formats: ['video'] }, { formats: [] }, { after: -1 }, { key: 'secretsecret' }])(
    'is refused with wrong options (%#)',
    async (auth) => {
      const { ticket } = await test.create();
      const refused = await test.view(ticket, { auth }).refused;
      expect(refused.code).toBe('invalid_request');
      expect(refused.detail).toContain(Object.keys(auth)[0]);
      expect(refused.detail).not.toContain('secretsecret');
    },
  );

  it('is refused from a page the ticket is not for, and taken from one it is', async () => {
    const { session } = await test.create();
    const bound = await test.ticketFor(session.id, { origins: ['https://app.example.com'] });
    const refused = await test.view(bound, { headers: { origin: 'https://evil.example.com' } }).refused;
    expect(refused.code).toBe('origin_not_allowed');
    await test.view(bound, { headers: { origin: 'https://app.example.com' } }).until('session');
    await test.view(bound, { headers: { origin: test.url } }).until('session');
  });
});

describe.each([[['websocket']], [['polling']], [['polling', 'websocket']]] as const)('a stream over %s', (transports) => {
  const over = { transports: [...transports] };

  it('tells the current state first, then every newer one, and closes done after the last', async () => {
    const { session, ticket } = await test.create();
    await test.call('GET', `/v1/sessions/${session.id}`);
    await test.showCode(session.id, 'AAAA');
    const viewer = test.view(ticket, over);
    const first = wireSessionSchema.parse(await viewer.until('session'));
    expect(first).toMatchObject({ id: session.id, state: 'showing', code: { image: imageOf('AAAA') }, viewers: 1 });
    await test.showCode(session.id, 'BBBB');
    await viewer.until('session', ({ code }) => code?.image === imageOf('BBBB'));
    await test.answer(session.id, { kind: 'passwordWanted' });
    await viewer.until('session', ({ state }) => state === 'password');
    await test.answer(session.id, { kind: 'authorized', account: { wid: '79990000000@c.us', phone: '79990000000' } });
    expect((await viewer.until('session', ({ state }) => state === 'connected')).account?.phone).toBe('79990000000');
    expect(await viewer.until('closing')).toEqual({ code: 'done', number: 1000, retryable: false });
    await viewer.disconnected;
    const versions = viewer.all('session').map(({ version }) => version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    expect(viewer.order.at(-1)).toBe('closing');
  });
});

describe('a stream', () => {
  it('starts the session it watches, and tells a code confirmed again as fresh alone', async () => {
    const { session, ticket } = await test.create();
    const viewer = test.view(ticket);
    await viewer.until('session', ({ state }) => state === 'waiting');
    expect(await test.isQueued(session.id)).toBe(true);
    await test.showCode(session.id, 'AAAA');
    const shown = await viewer.until('session', ({ state }) => state === 'showing');
    await test.showCode(session.id, 'AAAA');
    const fresh = await viewer.until('fresh');
    expect(fresh).toMatchObject({ id: session.id, version: shown.version + 1 });
    expect(fresh.staleAt).toBeGreaterThanOrEqual(shown.code?.staleAt ?? Number.POSITIVE_INFINITY);
    expect(viewer.all('session').filter(({ state }) => state === 'showing')).toHaveLength(1);
  });

  it('tells a session that is over already, and closes done', async () => {
    const { session, ticket } = await test.create();
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    const viewer = test.view(ticket);
    expect((await viewer.until('session')).end).toEqual({ reason: 'cancelled', resumable: false });
    expect((await viewer.until('closing')).code).toBe('done');
  });

  it('leaves out the picture for formats without image, and the text for formats without text', async () => {
    const { session, ticket } = await test.create();
    const text = test.view(ticket, { auth: { formats: ['text'] } });
    const image = test.view(ticket, { auth: { formats: ['image'] } });
    await Promise.all([text.until('session'), image.until('session')]);
    await test.showCode(session.id, 'AAAA');
    expect((await text.until('session', ({ state }) => state === 'showing')).code?.image).toBeNull();
    expect((await image.until('session', ({ state }) => state === 'showing')).code).toMatchObject({ image: imageOf('AAAA'), text: null });
  });

  it('does not send again what the viewer has', async () => {
    const { session, ticket } = await test.create();
    await test.call('GET', `/v1/sessions/${session.id}`);
    const { version } = await test.showCode(session.id, 'AAAA');
    const viewer = test.view(ticket, { auth: { after: version } });
    const behind = test.view(ticket, { auth: { after: version - 1 } });
    expect((await behind.until('session')).version).toBe(version);
    await viewer.call('visible', { visible: true }); // a round trip: it stands
    await test.showCode(session.id, 'BBBB');
    expect((await viewer.until('session')).version).toBe(version + 1);
  });

  it('can be resumed after the deadline', async () => {
    const { session, ticket } = await test.create();
    const viewer = test.view(ticket);
    await viewer.until('session', ({ state }) => state === 'waiting');
    expect((await viewer.call('resume', { sessionId: session.id })).error).toMatchObject({ code: 'not_resumable', retryable: false });
    await test.passDeadline(session.id);
    expect((await viewer.until('session', ({ state }) => state === 'ended')).end).toEqual({ reason: 'deadline', resumable: true });
    expect(await viewer.call('resume', { sessionId: session.id })).toEqual({ ok: true });
    const ended = viewer.all('session').at(-1)?.version ?? 0;
    await viewer.until('session', ({ state, version }) => state === 'waiting' && version >= ended);
    expect(viewer.socket.connected).toBe(true);
  });

  it('ends with its ticket', async () => {
    const { session } = await test.create();
    const expiresAt = Math.ceil(Date.now() / 1000) * 1000 + 1_000;
    const viewer = test.view(await test.ticketFor(session.id, { expiresAt }));
    await viewer.until('session');
    expect(await viewer.until('closing')).toEqual({ code: 'ticket_expired', number: 4506, retryable: false });
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt - 100);
    await viewer.disconnected;
  });

  it('cut off from a client that does not read is caught up with the newest state alone, and holds nobody up', async () => {
    const { session, ticket } = await test.create();
    const slow = test.view(ticket);
    const quick = test.view(ticket);
    await Promise.all([slow, quick].map((viewer) => viewer.until('session', ({ state }) => state === 'waiting')));
    slow.raw().pause();
    const before = slow.all('session').length;
    for (let i = 0; i < 20; i++) {
      await test.showCode(session.id, `N${i}`);
      await quick.until('session', ({ code }) => code?.image === imageOf(`N${i}`));
    }
    expect(slow.all('session')).toHaveLength(before);
    slow.raw().resume();
    await slow.until('session', ({ code }) => code?.image === imageOf('N19'));
    // One was under way when it stopped, the newest waited.
    expect(slow.all('session').length - before).toBeLessThanOrEqual(2);
  });

  it('never misses the final state, however slowly it is read', async () => {
    const { session, ticket } = await test.create();
    const slow = test.view(ticket);
    await slow.until('session', ({ state }) => state === 'waiting');
    slow.raw().pause();
    for (let i = 0; i < 5; i++) await test.showCode(session.id, `N${i}`);
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    slow.raw().resume();
    await slow.until('session', ({ state }) => state === 'ended');
    expect((await slow.until('closing')).code).toBe('done');
  });
});
