/**
 * Redis has lost versions that viewers were told: every viewer, over every transport, learns the
 * state that stands. See also older-data.redis.test.ts of the runtime.
 */

import { sessionKey } from '@qrcast/runtime/redis/keys';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { STREAM_TRANSPORTS, type StreamClient, type StreamRequest, type StreamTransport } from '../../test/stream-clients.ts';

/** How far above the session's version a lost one is said to be. No test lasts so many ms. */
const LOST = 50_000;
const ACCOUNT = { wid: '79990000000@c.us', phone: '79990000000' };

let test: TestGateway;
const clients: StreamClient[] = [];
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function view(transport: StreamTransport, request: Omit<StreamRequest, 'url'>): StreamClient {
  const client = transport.open({ url: test.url, ...request });
  clients.push(client);
  return client;
}

/** Resolves to the function that puts the session's record back as it is now. */
async function save(sessionId: string): Promise<() => Promise<void>> {
  const { redis } = test.node;
  const key = sessionKey(test.namespace, sessionId);
  const dump = await redis.dumpBuffer(key);
  return async () => void (await redis.restore(key, 0, dump, 'REPLACE'));
}

/** Shows as many codes as are to be lost. Resolves to the version told last. */
async function showLost(sessionId: string, count: number): Promise<number> {
  let version = 0;
  for (let i = 0; i < count; i++) ({ version } = await test.showCode(sessionId, `LOST${String(i).padStart(4, '0')}`));
  return version;
}

const isConnected = ({ state }: { readonly state: string }): boolean => state === 'connected';

describe.each(STREAM_TRANSPORTS.map((transport) => [transport.name, transport] as const))('over %s', (_, transport) => {
  it.each([1, 20])('a viewer that was told %i lost versions learns of the login, and so does a new one', async (lost) => {
    const { session, ticket } = await test.create();
    const old = view(transport, { ticket });
    await old.told.until('session', ({ state }) => state === 'waiting');
    await test.showCode(session.id, 'AAAA');
    const goBack = await save(session.id);
    const version = await showLost(session.id, lost);
    await old.told.until('session', (told) => told.version === version);

    await goBack();
    await test.answer(session.id, { kind: 'authorized', account: ACCOUNT });
    const told = await old.told.until('session', isConnected);
    expect(told.version).toBeGreaterThan(version);
    const fresh = view(transport, { ticket });
    expect(await fresh.told.until('session', isConnected)).toMatchObject({ version: told.version, account: ACCOUNT });
  });

  it.each(['connected', 'away'])(
    'a viewer that was told a lost state learns of the one that stands, although its next change is not told: %s',
    async (was) => {
      const { session, ticket } = await test.create();
      const old = view(transport, { ticket });
      await old.told.until('session', ({ state }) => state === 'waiting');
      await test.answer(session.id, { kind: 'passwordWanted' });
      await old.told.until('session', ({ state }) => state === 'password');
      const goBack = await save(session.id);
      await test.answer(session.id, { kind: 'notAuthorized' });
      const { version } = await test.showCode(session.id, 'LOST');
      await old.told.until('session', (told) => told.version === version);
      if (was === 'away') old.close();

      await goBack();
      await test.answer(session.id, { kind: 'passwordWanted' });
      const viewer = was === 'away' ? view(transport, { ticket, after: version }) : old;
      await viewer.told.until('session', (told) => told.state === 'password' && told.version > version);
    },
  );

  it('a viewer that comes back with a lost version learns what stands, and then of the login', async () => {
    const { session, ticket } = await test.create();
    await test.call('GET', `/v1/sessions/${session.id}`);
    const { version } = await test.showCode(session.id, 'AAAA');
    const back = view(transport, { ticket, after: version + LOST });
    const told = await back.told.until('session');
    expect(told).toMatchObject({ state: 'showing', version: version + LOST + 1 });
    await test.answer(session.id, { kind: 'authorized', account: ACCOUNT });
    expect((await back.told.until('session', isConnected)).version).toBeGreaterThan(told.version);
  });

  it('a viewer that names a number far above is told all that follows', async () => {
    const { session, ticket } = await test.create();
    const far = view(transport, { ticket, after: session.version + 1_000_000_000 });
    const told = await far.told.until('session', ({ state }) => state === 'waiting');
    expect(told.version).toBeLessThan(1_000_000_000);
    await test.answer(session.id, { kind: 'authorized', account: ACCOUNT });
    await far.told.until('session', isConnected);
  });
});

describe('a read', () => {
  it('with the ETag of a lost version is answered with what stands, under a newer one', async () => {
    const { session } = await test.create();
    await test.call('GET', `/v1/sessions/${session.id}`); // watched: else no code is asked for
    const { version } = await test.showCode(session.id, 'AAAA');
    const read = await test.call('GET', `/v1/sessions/${session.id}?visible=false`, {
      headers: { 'if-none-match': `"${version + LOST}"` },
    });
    expect([read.status, read.headers.get('etag'), read.body.session.version]).toEqual([
      200,
      `"${version + LOST + 1}"`,
      version + LOST + 1,
    ]);
    const again = await test.call('GET', `/v1/sessions/${session.id}?visible=false`, {
      headers: { 'if-none-match': `"${version + LOST + 1}"` },
    });
    expect(again.status).toBe(304);
  });

  it('with a number far above is not answered as if it had been told', async () => {
    const { session } = await test.create();
    const headers = { 'if-none-match': `"${session.version + 1_000_000_000}"` };
    const read = await test.call('GET', `/v1/sessions/${session.id}?visible=false`, { headers });
    expect([read.status, read.body.session.version]).toEqual([200, session.version]);
  });

  it('of a final state that was told under a lost version ends, and is not asked again', async () => {
    const { session } = await test.create();
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    const { version } = (await test.call('GET', `/v1/sessions/${session.id}`)).body.session;
    const headers = { 'last-event-id': String(version + LOST) };
    const read = await test.call('GET', `/v1/sessions/${session.id}/events`, { headers });
    expect(read.text).toContain(`id: ${version + LOST + 1}\n`);
    expect(
      (await test.call('GET', `/v1/sessions/${session.id}/events`, { headers: { 'last-event-id': String(version + LOST + 1) } })).status,
    ).toBe(204);
  });
});
