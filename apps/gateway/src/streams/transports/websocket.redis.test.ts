import { connect } from 'node:net';
import { SERVER_FRAMES } from '@qrcast/core/stream-messages';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { imageOf, NOT_HELD_UP_MS, openTestGateway, type TestGateway } from '../../../test/gateway.ts';
import { openSocket, type SocketOptions, type TestSocket } from '../../../test/websocket.ts';

let test: TestGateway;
const sockets: TestSocket[] = [];
beforeAll(async () => {
  test = await openTestGateway();
});
afterEach(() => {
  for (const { raw } of sockets.splice(0)) raw.terminate();
});
afterAll(() => test.close());

function openOne(options?: SocketOptions): TestSocket {
  const socket = openSocket(test.url, options);
  sockets.push(socket);
  return socket;
}

/** A connection that watches a new session. */
async function watching(): Promise<{ socket: TestSocket; sessionId: string; ticket: string }> {
  const { session, ticket } = await test.create();
  const socket = openOne();
  expect(await socket.call({ type: 'subscribe', ticket })).toMatchObject({ type: 'ok', sessionId: session.id });
  await socket.until('session', ({ state }) => state === 'waiting');
  return { socket, sessionId: session.id, ticket };
}

describe('a WebSocket handshake', () => {
  it('agrees on the subprotocol, or on none if none is offered', async () => {
    for (const [protocols, agreed] of [
      [['other', 'qrcast.v1'], 'qrcast.v1'],
      [[], ''],
    ] as const) {
      const socket = openOne({ protocols });
      await socket.opened;
      expect([socket.raw.protocol, socket.raw.extensions]).toEqual([agreed, '']);
    }
  });

  it('fails in a client that offers only another version', async () => {
    const socket = openOne({ protocols: ['qrcast.v2'] });
    const error = await new Promise<Error>((resolve) => socket.raw.once('error', resolve));
    expect(error.message).toContain('subprotocol');
  });

  it.each(['/v1/other', '/v1/ws/', '/other', '/socket.io'])('at %s is answered like any other request', async (path) => {
    const { host } = new URL(test.url);
    const answer = await request(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
    expect(answer).toContain('"code":"not_found"');
  });

  it('that offers another protocol than WebSocket is answered as a call', async () => {
    const head = `Host: x\r\nAuthorization: Bearer ${test.tenant.apiKey}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n`;
    expect(await request(`GET /v1/sessions HTTP/1.1\r\n${head}\r\n`)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('that is malformed is refused', async () => {
    const head = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    expect(await request(`GET /v1/ws HTTP/1.1\r\n${head}\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

/** The first bytes of the answer on a raw connection. */
function request(text: string): Promise<string> {
  const { hostname, port } = new URL(test.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.once('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
  });
}

describe('frames', () => {
  it('answer a call before its effects are sent, and match the contract', async () => {
    const { session, ticket } = await test.create();
    const socket = openOne();
    const frames: { type: keyof typeof SERVER_FRAMES }[] = [];
    socket.raw.on('message', (data) => frames.push(JSON.parse(String(data))));
    socket.send({ type: 'subscribe', ref: 7, ticket });
    await socket.until('session', ({ state }) => state === 'waiting');
    await test.showCode(session.id, 'AAAA');
    await socket.until('session', ({ state }) => state === 'showing');
    await test.showCode(session.id, 'AAAA');
    await socket.until('fresh');
    await socket.call({ type: 'ping' });
    await socket.call({ type: 'what' });
    expect(frames[0]).toEqual({ type: 'ok', ref: 7, sessionId: session.id });
    expect(new Set(frames.map(({ type }) => type))).toEqual(new Set(['ok', 'session', 'fresh', 'pong', 'error']));
    for (const frame of frames) expect(SERVER_FRAMES[frame.type].strict().parse(frame)).toEqual(frame);
  });

  it('need no ref, and may have a number or a text as ref', async () => {
    const { socket } = await watching();
    for (const ref of [undefined, 0, 17, 'a']) socket.send({ type: 'ping', ref });
    const answers = (await socket.untilAnswers(5)).slice(1); // the first is the subscription's
    expect(answers).toEqual([{ type: 'pong' }, { type: 'pong', ref: 0 }, { type: 'pong', ref: 17 }, { type: 'pong', ref: 'a' }]);
  });

  it.each([
    [{}, 'type: expected one of subscribe, unsubscribe, password, resume, start_over, visible, ping (came: nothing)'],
    [{ type: 'what' }, 'type: expected one of'],
    [{ type: 5 }, 'type: expected one of'],
    [{ type: 'subscribe' }, 'ticket: expected string (came: nothing)'],
    [{ type: 'subscribe', ticket: 'x', formats: ['video'] }, 'formats.0: expected one of image, text'],
    [{ type: 'subscribe', ticket: 'x', after: -1 }, 'after: expected at least 0'],
    [{ type: 'subscribe', ticket: 'x', secretsecretsecret: 1 }, 'unknown field "secretsecretsec'],
    [{ type: 'unsubscribe' }, 'sessionId: expected string'],
    [{ type: 'unsubscribe', sessionId: 5 }, 'sessionId: expected string (came: number)'],
    [{ type: 'resume', sessionId: '' }, 'sessionId: expected at least 1 characters'],
    [{ type: 'password', sessionId: 'x' }, 'password: expected string (came: nothing)'],
    [{ type: 'password', sessionId: 'x', password: '' }, 'password: expected at least 1 characters'],
    [{ type: 'visible' }, 'visible: expected boolean (came: nothing)'],
    [{ type: 'visible', visible: 'no' }, 'visible: expected boolean (came: string of 2)'],
    [{ type: 'ping', more: 1 }, 'unknown field "more"'],
  ])('that are wrong are answered with the field at fault, and the connection stays open: %j', async (frame, detail) => {
    const { socket, sessionId } = await watching();
    const answer = await socket.call(frame);
    expect(answer).toMatchObject({ type: 'error', error: { code: 'invalid_request', retryable: false } });
    expect(answer.type === 'error' && answer.error.detail).toContain(detail);
    await test.showCode(sessionId, 'AAAA');
    await socket.until('session', ({ state }) => state === 'showing');
  });

  it.each([{ ref: -1 }, { ref: {} }, { ref: 'x'.repeat(65) }, { ref: null }])(
    'with a wrong mark are refused without it: %j',
    async (wrong) => {
      const { socket } = await watching();
      socket.send({ type: 'ping', ...wrong });
      const [, answer] = await socket.untilAnswers(2);
      expect(answer).toEqual({ type: 'error', error: expect.objectContaining({ code: 'invalid_request' }) });
      expect(answer?.type === 'error' && answer.error.detail).toMatch(/^ref: /);
    },
  );

  it.each([
    ['no JSON', 'hello'],
    ['no object', '[1]'],
    ['null', 'null'],
    ['bytes', Buffer.from('{"type":"ping"}')],
  ])('that are %s end the connection', async (_name, data) => {
    const { socket } = await watching();
    socket.raw.send(data);
    expect(await socket.closed).toEqual({ code: 4500, reason: 'invalid_message' });
  });

  it('that are not UTF-8 end the connection, too', async () => {
    const { socket } = await watching();
    socket.raw.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect(await socket.closed).toEqual({ code: 4500, reason: 'invalid_message' });
  });

  it('of more than 16 KiB end the connection, a smaller one does not', async () => {
    const { socket } = await watching();
    const empty = JSON.stringify({ type: 'subscribe', ticket: '' }).length;
    socket.send({ type: 'subscribe', ticket: 'x'.repeat(16_384 - empty) });
    const [, refused] = await socket.untilAnswers(2);
    expect(refused).toMatchObject({ type: 'error', error: { code: 'invalid_request' } });
    socket.send({ type: 'subscribe', ticket: 'x'.repeat(16_385 - empty) });
    expect(await socket.closed).toEqual({ code: 4509, reason: 'message_too_large' });
  });

  it('that come as a flood end the connection', async () => {
    const { socket } = await watching();
    for (let i = 0; i < 400; i++) socket.send({ type: 'ping' });
    expect(await socket.closed).toEqual({ code: 4002, reason: 'too_many_requests' });
    expect(socket.answers.length).toBeLessThan(250);
  });
});

describe('a connection', () => {
  it('that subscribes to nothing in time, or has left all its sessions, is closed', async () => {
    const startedAt = performance.now();
    const [silent, talking] = [openOne(), openOne()];
    talking.send({ type: 'ping' });
    talking.send({ type: 'subscribe' });
    const [kept, left] = [await watching(), await watching()];
    await left.socket.call({ type: 'unsubscribe', sessionId: left.sessionId });
    for (const { closed } of [silent, talking, left.socket]) expect(await closed).toEqual({ code: 4508, reason: 'subscribe_timeout' });
    expect(performance.now() - startedAt).toBeGreaterThan(9_000);
    expect(await kept.socket.call({ type: 'ping' })).toMatchObject({ type: 'pong' });
  });

  it('is closed with the reason when its first subscription is refused, but not after a wrong frame', async () => {
    const { session, ticket } = await test.create();
    const { origin } = new URL(test.url);
    const socket = openOne({ headers: { origin } });
    expect(await socket.call({ type: 'subscribe' })).toMatchObject({ type: 'error', error: { code: 'invalid_request' } });
    const bound = await test.ticketFor(session.id, { scopes: ['password'] });
    expect(await socket.call({ type: 'subscribe', ticket: bound })).toMatchObject({ type: 'error', error: { code: 'forbidden' } });
    expect(await socket.closed).toEqual({ code: 4503, reason: 'forbidden' });

    const other = openOne();
    expect(await other.call({ type: 'resume', sessionId: session.id })).toMatchObject({ error: { code: 'not_found' } });
    expect(await other.call({ type: 'subscribe', ticket })).toMatchObject({ type: 'ok' });
  });

  it('keeps its sessions when another subscription is refused or left', async () => {
    const { socket, sessionId } = await watching();
    const second = await test.create();
    expect(await socket.call({ type: 'subscribe', ticket: 'no-ticket' })).toMatchObject({ error: { code: 'unauthenticated' } });
    expect(await socket.call({ type: 'subscribe', ticket: second.ticket, formats: ['text'] })).toMatchObject({
      sessionId: second.session.id,
    });
    await socket.until('session', ({ id, state }) => id === second.session.id && state === 'waiting');
    await test.showCode(second.session.id, 'SECOND');
    await test.showCode(sessionId, 'FIRST');
    const shown = (id: string) => socket.until('session', (session) => session.id === id && session.state === 'showing');
    expect((await shown(second.session.id)).code?.image).toBeNull();
    expect((await shown(sessionId)).code?.image).toBe(imageOf('FIRST'));
    expect(await socket.call({ type: 'unsubscribe', sessionId })).toMatchObject({ type: 'ok' });
    expect(await socket.call({ type: 'unsubscribe', sessionId })).toMatchObject({ type: 'ok' });
    await test.call('DELETE', `/v1/sessions/${second.session.id}`);
    expect(await socket.closed).toEqual({ code: 1000, reason: 'done' });
    expect(socket.all('session').at(-1)).toMatchObject({ id: second.session.id, state: 'ended' });
  });

  it('continues with the others when one session is final', async () => {
    const { socket, sessionId } = await watching();
    const second = await test.create();
    await socket.call({ type: 'subscribe', ticket: second.ticket });
    await test.call('DELETE', `/v1/sessions/${second.session.id}`);
    await socket.until('session', ({ id, state }) => id === second.session.id && state === 'ended');
    await test.showCode(sessionId, 'AAAA');
    await socket.until('session', ({ state }) => state === 'showing');
    await test.call('DELETE', `/v1/sessions/${sessionId}`);
    expect(await socket.closed).toEqual({ code: 1000, reason: 'done' });
  });

  it('that already has the final state is answered, and closed with done', async () => {
    const { session, ticket } = await test.create();
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    const { version } = await test.stored(session.id);
    const socket = openOne();
    expect(await socket.call({ type: 'subscribe', ticket, after: version })).toMatchObject({ type: 'ok', sessionId: session.id });
    expect(await socket.closed).toEqual({ code: 1000, reason: 'done' });
    expect(socket.order).toEqual([]);
  });

  it('counts as a viewer while it is visible', async () => {
    const { socket, sessionId } = await watching();
    const untilCount = async (count: number) => {
      while ((await test.call('GET', `/v1/sessions/${sessionId}?visible=false`)).body.session.viewers !== count);
    };
    await untilCount(1);
    expect(await socket.call({ type: 'visible', visible: false })).toMatchObject({ type: 'ok' });
    await untilCount(0);
    await socket.call({ type: 'visible', visible: true });
    await untilCount(1);
    socket.raw.terminate();
    await untilCount(0);
  });

  it('resumes its own sessions and no others', async () => {
    const { socket, sessionId } = await watching();
    const other = await test.create();
    expect(await socket.call({ type: 'resume', sessionId: other.session.id })).toMatchObject({ error: { code: 'not_found' } });
    expect(await socket.call({ type: 'resume', sessionId })).toMatchObject({ error: { code: 'not_resumable' } });
    const { version } = await test.passDeadline(sessionId);
    await socket.until('session', ({ state }) => state === 'ended');
    expect(await socket.call({ type: 'resume', sessionId })).toMatchObject({ type: 'ok' });
    await socket.until('session', (session) => session.version > version && session.state === 'waiting');
  });

  it('forwards a password only with the scope, and only when it is expected', async () => {
    const { socket, sessionId } = await watching();
    const call = { type: 'password', sessionId, password: 'correct-horse' };
    expect(await socket.call(call)).toMatchObject({ error: { code: 'not_waiting_for_password' } });
    await socket.call({ type: 'subscribe', ticket: await test.ticketFor(sessionId, { scopes: ['view'] }) });
    expect(await socket.call(call)).toMatchObject({ error: { code: 'forbidden' } });
  });

  it('is cut when the other end does not read its close', async () => {
    const leaving = await openTestGateway({ namespace: test.namespace });
    const { ticket } = await test.create();
    const stuck = openSocket(leaving.url);
    sockets.push(stuck);
    await stuck.call({ type: 'subscribe', ticket });
    stuck.raw.pause();
    const startedAt = performance.now();
    await leaving.close();
    expect(performance.now() - startedAt).toBeLessThan(NOT_HELD_UP_MS);
  });

  it('can watch a hundred sessions, and no more', async () => {
    const { socket } = await watching();
    const made = await Promise.all(Array.from({ length: 100 }, () => test.create()));
    const answers = await Promise.all(made.map(({ ticket }) => socket.call({ type: 'subscribe', ticket })));
    expect(answers.filter(({ type }) => type === 'ok')).toHaveLength(99);
    const refused = answers.filter(({ type }) => type === 'error');
    expect(refused).toMatchObject([{ error: { code: 'too_many_requests', retryable: true } }]);
    expect(await socket.call({ type: 'ping' })).toMatchObject({ type: 'pong' });
  });
});
