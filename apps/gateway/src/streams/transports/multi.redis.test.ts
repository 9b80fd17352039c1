import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageOf, openTestGateway, type TestGateway } from '../../../test/gateway.ts';
import type { Viewer } from '../../../test/viewer.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway({ maxConnections: 20 });
});
afterAll(() => test.close());

async function openOne(): Promise<{ viewer: Viewer; sessionId: string }> {
  const { session, ticket } = await test.create();
  const viewer = test.view(ticket);
  await viewer.until('session', ({ state }) => state === 'waiting');
  return { viewer, sessionId: session.id };
}

/** Waits until the session is watched, which may be a moment after the acknowledgement. */
async function untilWatched(viewer: Viewer, sessionId: string): Promise<void> {
  await viewer.until('session', ({ id, state }) => id === sessionId && state === 'waiting');
}

describe('more sessions on one connection', () => {
  it('are subscribed to with their own tickets, and their messages can be distinguished', async () => {
    const { viewer, sessionId } = await openOne();
    const second = await test.create();
    const ack = await viewer.call('subscribe', { ticket: second.ticket, formats: ['text'] });
    expect(ack).toMatchObject({ ok: true, session: { id: second.session.id } });
    await untilWatched(viewer, second.session.id);
    await test.showCode(second.session.id, 'SECOND');
    await test.showCode(sessionId, 'FIRST');
    const of = (id: string) => viewer.until('session', (session) => session.id === id && session.state === 'showing');
    expect((await of(second.session.id)).code?.image).toBeNull();
    expect((await of(sessionId)).code?.image).toBe(imageOf('FIRST'));
    viewer.socket.disconnect();
  });

  it('end one by one, and the connection closes with done after the last', async () => {
    const { viewer, sessionId } = await openOne();
    const second = await test.create();
    await viewer.call('subscribe', { ticket: second.ticket });
    await test.call('DELETE', `/v1/sessions/${second.session.id}`);
    await viewer.until('session', ({ id, state }) => id === second.session.id && state === 'ended');
    await test.showCode(sessionId, 'AAAA');
    await viewer.until('session', ({ id, state }) => id === sessionId && state === 'showing');
    expect(viewer.all('closing')).toEqual([]);
    await test.call('DELETE', `/v1/sessions/${sessionId}`);
    expect((await viewer.until('closing')).code).toBe('done');
    expect(viewer.all('session').at(-1)).toMatchObject({ id: sessionId, state: 'ended' });
  });

  it('are left by unsubscribe, which can be repeated', async () => {
    const { viewer, sessionId } = await openOne();
    const second = await test.create();
    await viewer.call('subscribe', { ticket: second.ticket });
    await untilWatched(viewer, second.session.id);
    for (let i = 0; i < 2; i++) expect(await viewer.call('unsubscribe', { sessionId })).toEqual({ ok: true });
    await test.showCode(sessionId, 'AAAA');
    await test.showCode(second.session.id, 'BBBB');
    await viewer.until('session', ({ id, state }) => id === second.session.id && state === 'showing');
    expect(viewer.all('session').some(({ id, state }) => id === sessionId && state === 'showing')).toBe(false);
    expect((await viewer.call('resume', { sessionId })).error).toMatchObject({ code: 'not_found' });
    viewer.socket.disconnect();
  });

  it('are refused with codes, and the connection stays open', async () => {
    const { viewer, sessionId } = await openOne();
    const second = await test.create();
    const cases = [
      ['subscribe', {}, 'invalid_request'],
      ['subscribe', { ticket: 'no ticket of ours' }, 'unauthenticated'],
      ['subscribe', { ticket: await test.ticketFor(second.session.id, { expiresAt: Date.now() - 1_000 }) }, 'unauthenticated'],
      ['subscribe', { ticket: await test.ticketFor(second.session.id, { scopes: ['password'] }) }, 'forbidden'],
      ['subscribe', { ticket: await test.ticketFor('ses_none') }, 'not_found'],
      ['subscribe', { ticket: second.ticket, extra: 1 }, 'invalid_request'],
      ['subscribe', null, 'invalid_request'],
      ['unsubscribe', { id: sessionId }, 'invalid_request'],
      ['resume', { sessionId: second.session.id }, 'not_found'],
      ['resume', 'text', 'invalid_request'],
      ['visible', { visible: 'no' }, 'invalid_request'],
    ] as const;
    for (const [event, body, code] of cases) {
      const ack = await viewer.call(event, body);
      expect(ack).toMatchObject({ ok: false, error: { code, retryable: false } });
      expect(ack.error?.detail.length).toBeGreaterThan(5);
    }
    await test.showCode(sessionId, 'AAAA');
    await viewer.until('session', ({ state }) => state === 'showing');
    viewer.socket.disconnect();
  });

  it('are replaced by a newer subscription of the same session', async () => {
    const { viewer, sessionId } = await openOne();
    const again = await test.ticketFor(sessionId);
    await viewer.call('subscribe', { ticket: again, formats: ['text'] });
    await test.showCode(sessionId, 'AAAA');
    await viewer.until('session', ({ state }) => state === 'showing');
    await viewer.call('visible', { visible: true }); // a second copy would have come before its acknowledgement
    const shown = viewer.all('session').filter(({ state }) => state === 'showing');
    expect(shown.map(({ code }) => code?.image)).toEqual([null]);
    viewer.socket.disconnect();
  });

  it('without an acknowledgement function and with unknown events harm nobody', async () => {
    const { viewer, sessionId } = await openOne();
    viewer.socket.emit('subscribe', { ticket: 'x' });
    viewer.socket.emit('subscribe');
    viewer.socket.emit('what', { is: 'this' });
    expect(await viewer.call('visible', { visible: true })).toEqual({ ok: true });
    expect((await viewer.call('unsubscribe', { sessionId })).ok).toBe(true);
    viewer.socket.disconnect();
  });

  it('subscribed to without an acknowledgement function do not hold up the next', async () => {
    const { viewer, sessionId } = await openOne();
    const ticket = await test.ticketFor(sessionId);
    viewer.socket.emit('subscribe', { ticket, after: 1_000_000 }); // it is sent nothing, not even an answer
    expect(await viewer.call('subscribe', { ticket, after: 1_000_000 })).toMatchObject({ ok: true });
    viewer.socket.disconnect();
  });

  it('that are still waiting are withdrawn by a later unsubscribe', async () => {
    const { viewer, sessionId } = await openOne();
    const other = await test.create();
    await viewer.call('subscribe', { ticket: other.ticket }); // or the connection would end because it watches nothing
    await untilWatched(viewer, other.session.id);
    const ticket = await test.ticketFor(sessionId);
    const [, second, left] = await Promise.all([
      viewer.call('subscribe', { ticket }),
      viewer.call('subscribe', { ticket }),
      viewer.call('unsubscribe', { sessionId }),
    ]);
    expect([second.ok, left.ok]).toEqual([true, true]);
    await test.showCode(sessionId, 'AAAA');
    await test.showCode(other.session.id, 'BBBB');
    await viewer.until('session', ({ id, state }) => id === other.session.id && state === 'showing');
    expect(viewer.all('session').filter(({ id, state }) => id === sessionId && state === 'showing')).toEqual([]);
    viewer.socket.disconnect();
  });

  it('a message above 16 KiB ends the connection', async () => {
    const { viewer } = await openOne();
    viewer.socket.emit('subscribe', { ticket: 'x'.repeat(17 * 1024) });
    await viewer.disconnected;
  });
});

describe('viewers', () => {
  const countOf = async (sessionId: string): Promise<number> => (await test.call('GET', `/v1/sessions/${sessionId}`)).body.session.viewers;

  /** Waits for the count, which reaches Redis a moment after the acknowledgement. */
  async function untilCount(sessionId: string, count: number): Promise<void> {
    while ((await countOf(sessionId)) !== count) await test.node.redis.ping();
  }

  it('are counted over all gateways while they are visible and connected', async () => {
    const second = await openTestGateway({ namespace: test.namespace });
    const { viewer, sessionId } = await openOne();
    const elsewhere = second.view(await test.ticketFor(sessionId));
    await elsewhere.until('session');
    await untilCount(sessionId, 2);
    expect(await viewer.call('visible', { visible: false })).toEqual({ ok: true });
    await untilCount(sessionId, 1);
    await viewer.call('visible', { visible: true });
    await untilCount(sessionId, 2);
    elsewhere.socket.disconnect();
    await untilCount(sessionId, 1);
    viewer.socket.disconnect();
    await untilCount(sessionId, 0);
    await second.close();
  });

  it('get the same states in a hidden tab', async () => {
    const { viewer, sessionId } = await openOne();
    await viewer.call('visible', { visible: false });
    await test.showCode(sessionId, 'AAAA');
    await viewer.until('session', ({ state }) => state === 'showing');
    viewer.socket.disconnect();
  });

  it('beyond the bound of connections are refused', async () => {
    const { session } = await test.create();
    const ticket = await test.ticketFor(session.id);
    const all = Array.from({ length: 20 }, () => test.view(ticket));
    await Promise.all(all.map((viewer) => viewer.until('session')));
    const late = test.view(ticket);
    await new Promise((resolve) => late.socket.once('connect_error', resolve));
    expect(late.socket.connected).toBe(false);
    for (const viewer of all) viewer.socket.disconnect();
  });
});
