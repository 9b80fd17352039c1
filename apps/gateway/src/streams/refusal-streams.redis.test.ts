/** Every stream with every credential that it must refuse; `refusal-matrix` tests the calls. */

import { CLOSE_CODES, type CloseReason } from '@qrcast/core/close-codes';
import { ERRORS, type ErrorCode } from '@qrcast/core/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ELSEWHERE, openTestRefusals, type TestRefusals } from '../../test/refusals.ts';
import { STREAM_TRANSPORTS } from '../../test/stream-clients.ts';
import { openSocket } from '../../test/websocket.ts';

let test: TestRefusals['test'];
let mine: TestRefusals['mine'];
let foreign: TestRefusals['foreign'];
let secrets: TestRefusals['secrets'];
beforeAll(async () => {
  ({ test, mine, foreign, secrets } = await openTestRefusals());
});
afterAll(() => test.close());

/**
 * How a stream is refused for each of `secrets`. `close`: a close code that tells more than the
 * error does.
 */
const STREAM_REFUSALS: Readonly<Record<string, { readonly code: ErrorCode; readonly close: CloseReason }>> = {
  'a forged ticket': { code: 'unauthenticated', close: 'unauthenticated' },
  'an unsigned ticket': { code: 'unauthenticated', close: 'unauthenticated' },
  'an unknown key': { code: 'unauthenticated', close: 'unauthenticated' },
  'the admin key': { code: 'unauthenticated', close: 'unauthenticated' },
  'an expired ticket': { code: 'unauthenticated', close: 'ticket_expired' },
  'a revoked ticket': { code: 'unauthenticated', close: 'ticket_revoked' },
  'a ticket for another origin': { code: 'origin_not_allowed', close: 'forbidden' },
  'a ticket without the scope': { code: 'forbidden', close: 'forbidden' },
  "a suspended tenant's ticket": { code: 'forbidden', close: 'forbidden' },
  'a ticket of another tenant for this session': { code: 'not_found', close: 'not_found' },
};

/** On a stream an API key is no ticket. Over HTTP it may read, but has no session of its own. */
const OWN_KEY = "the tenant's own key";

describe.each(STREAM_TRANSPORTS)('a stream: $name', (transport) => {
  it.each([...Object.keys(STREAM_REFUSALS), OWN_KEY])('with %s is refused, and receives no state', async (name) => {
    const wanted = STREAM_REFUSALS[name];
    const stream = transport.open({ url: test.url, ticket: secrets[name] ?? '', origin: ELSEWHERE });
    const { code, number, status } = await stream.ended;
    expect(stream.told.order).toEqual([]);
    stream.close();
    const codes: readonly (string | undefined)[] = wanted === undefined ? ['unauthenticated', 'not_found'] : [wanted.code, wanted.close]; // as the transport says it
    if (!transport.name.includes('undici')) expect(codes).toContain(code); // it reports no reason
    if (number !== undefined) expect(number).toBe(CLOSE_CODES[wanted?.close ?? 'unauthenticated']);
    if (status !== undefined) expect(status).toBe(ERRORS[wanted?.code ?? 'not_found'].status);
  });

  it.each(['null', 'NULL', 'file://', ''])(
    'from a page without an origin, as a sandboxed frame is one, is refused a ticket that names origins: %j',
    async (origin) => {
      const ticket = await test.ticketFor(mine.session.id, { origins: ['https://app.example.com'] });
      const stream = transport.open({ url: test.url, ticket, origin });
      const { code, number, status } = await stream.ended;
      expect(stream.told.order).toEqual([]);
      stream.close();
      if (!transport.name.includes('undici')) expect(['origin_not_allowed', 'forbidden']).toContain(code); // it reports no reason
      if (number !== undefined) expect(number).toBe(CLOSE_CODES.forbidden);
      if (status !== undefined) expect(status).toBe(403);
    },
  );
});

describe('on an open stream', () => {
  /**
   * The caller's session on this connection, one of another tenant, and one that does not exist.
   */
  const strange = () => [foreign.session.id, 'ses_AAAAAAAAAAAAAAAA'] as const;

  it.each(['resume', 'password', 'start_over'])(
    '%s of another session is not_found over Socket.IO, whether there is one or not',
    async (event) => {
      const viewer = test.view(mine.ticket);
      await viewer.until('session');
      const acks = [];
      for (const sessionId of strange())
        acks.push(await viewer.call(event, { sessionId, ...(event === 'password' ? { password: 'x' } : {}) }));
      expect(acks[0]).toMatchObject({ ok: false, error: { code: 'not_found' } });
      expect(acks[0]).toEqual(acks[1]);
      viewer.socket.disconnect();
    },
  );

  it.each(['resume', 'password', 'start_over'])(
    '%s of another session is not_found over WebSocket, whether there is one or not',
    async (type) => {
      const socket = openSocket(test.url);
      await socket.call({ type: 'subscribe', ticket: mine.ticket });
      const errors = [];
      for (const sessionId of strange()) {
        const { ref, ...answer } = await socket.call({ type, sessionId, ...(type === 'password' ? { password: 'x' } : {}) });
        errors.push(answer);
      }
      expect(errors[0]).toMatchObject({ type: 'error', error: { code: 'not_found' } });
      expect(errors[0]).toEqual(errors[1]);
      socket.raw.terminate();
    },
  );

  it.each(Object.entries(STREAM_REFUSALS))(
    'another subscription with %s is refused, and does no harm to the first',
    async (name, { code }) => {
      const ticket = secrets[name] ?? '';
      const headers = { origin: ELSEWHERE };
      const viewer = test.view(mine.ticket, { headers });
      await viewer.until('session');
      expect(await viewer.call('subscribe', { ticket })).toMatchObject({ ok: false, error: { code } });
      const socket = openSocket(test.url, { headers });
      await socket.call({ type: 'subscribe', ticket: mine.ticket });
      expect(await socket.call({ type: 'subscribe', ticket })).toMatchObject({ type: 'error', error: { code } });
      expect(await socket.call({ type: 'ping' })).toMatchObject({ type: 'pong' });
      expect(viewer.socket.connected).toBe(true);
      viewer.socket.disconnect();
      socket.raw.terminate();
    },
  );

  it('a password needs its scope', async () => {
    const viewOnly = await test.ticketFor(mine.session.id, { scopes: ['view'] });
    const { id: sessionId } = mine.session;
    const viewer = test.view(viewOnly);
    await viewer.until('session');
    expect(await viewer.call('password', { sessionId, password: 'x' })).toMatchObject({ error: { code: 'forbidden' } });
    const socket = openSocket(test.url);
    await socket.call({ type: 'subscribe', ticket: viewOnly });
    expect(await socket.call({ type: 'password', sessionId, password: 'x' })).toMatchObject({ error: { code: 'forbidden' } });
    viewer.socket.disconnect();
    socket.raw.terminate();
  });
});
