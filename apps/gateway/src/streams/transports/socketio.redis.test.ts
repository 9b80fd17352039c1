import { sampleSession } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOT_HELD_UP_MS, openTestGateway, type TestGateway } from '../../../test/gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

describe('a Socket.IO handshake', () => {
  it('is refused with the code for what is wrong with its ticket', async () => {
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

  it('is refused from a page that the ticket does not allow, and admitted from one that it allows', async () => {
    const { session } = await test.create();
    const bound = await test.ticketFor(session.id, { origins: ['https://app.example.com'] });
    const refused = await test.view(bound, { headers: { origin: 'https://evil.example.com' } }).refused;
    expect(refused.code).toBe('origin_not_allowed');
    await test.view(bound, { headers: { origin: 'https://app.example.com' } }).until('session');
    await test.view(bound, { headers: { origin: test.url } }).until('session');
  });
});

describe('a Socket.IO connection', () => {
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

  it('that leaves its only socket is closed, and frees its slot', async () => {
    const { session, ticket } = await test.create();
    const small = await openTestGateway({ namespace: test.namespace, maxConnections: 1 });
    const viewer = small.view(ticket);
    await viewer.until('session');
    const { engine } = viewer.socket.io;
    const closed = new Promise((resolve) => engine.once('close', resolve));
    engine.write('1'); // DISCONNECT, by a client that keeps the connection
    await closed;
    while ((await test.call('GET', `/v1/sessions/${session.id}?visible=false`)).body.session.viewers > 0);
    await small.view(ticket).until('session');
    await small.close();
  });

  it('by polling, whose client has gone, does not delay a gateway that stops', async () => {
    const leaving = await openTestGateway({ namespace: test.namespace });
    const { ticket } = await test.create();
    const viewer = leaving.view(ticket, { transports: ['polling'] });
    await viewer.until('session', ({ state }) => state === 'waiting');
    Object.assign(viewer.socket.io.engine.transport, { _poll: () => undefined });
    await viewer.call('visible', { visible: false }); // answers the last poll
    const startedAt = performance.now();
    await leaving.gateway.close(0);
    expect(performance.now() - startedAt).toBeLessThan(NOT_HELD_UP_MS);
    await leaving.close();
  });

  it('that has left all its sessions is closed after a while', async () => {
    const { session, ticket } = await test.create();
    const viewer = test.view(ticket);
    await viewer.until('session');
    await viewer.call('unsubscribe', { sessionId: session.id });
    expect(await viewer.until('closing')).toEqual({ code: 'subscribe_timeout', number: 4508, retryable: false });
    await viewer.disconnected;
  });
});
