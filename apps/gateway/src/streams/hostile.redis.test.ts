/**
 * Hostile clients and other writers to Redis, one attack each: what the gateway does, and that it
 * survives.
 */

import { connect } from 'node:net';
import { sessionChannel, sessionKey, tenantsKey } from '@qrcast/runtime/redis/keys';
import { encodeState } from '@qrcast/runtime/sessions/published-state';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ADMIN_KEY, openTestGateway, type TestGateway } from '../../test/gateway.ts';
import type { Ack } from '../../test/viewer.ts';
import { openSocket } from '../../test/websocket.ts';
import { READ_WITHIN_MS } from '../http/read-timeout.ts';
import { MESSAGE_BURST } from './message-budget.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

const SOCKET_IO = '/socket.io/?EIO=4&transport=websocket';

/** A raw WebSocket that has sent nothing yet. It keeps every frame that it gets. */
function openRaw(): { raw: WebSocket; frames: string[]; until(start: string, count?: number): Promise<void> } {
  const raw = new WebSocket(`${test.url.replace('http', 'ws')}${SOCKET_IO}`);
  const frames: string[] = [];
  let wake: () => void = () => undefined;
  raw.on('message', (data: Buffer) => {
    frames.push(data.toString());
    wake();
  });
  return {
    raw,
    frames,
    async until(start, count = 1) {
      while (frames.filter((frame) => frame.startsWith(start)).length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

describe('a hostile client', () => {
  it('gets one socket on a connection, however many CONNECTs it sends at once', async () => {
    const { ticket } = await test.create();
    const { raw, frames, until } = openRaw();
    await until('0{');
    for (let i = 0; i < 50; i++) raw.send(`40${JSON.stringify({ ticket })}`);
    await until('40', 1); // admitted
    await until('44', 49);
    expect(frames.filter((frame) => frame.startsWith('40'))).toHaveLength(1);
    raw.terminate();
  });

  it('without a ticket that sends endless CONNECTs is cut', async () => {
    const { raw, until } = openRaw();
    await until('0');
    const cut = new Promise<number>((resolve) => raw.once('close', resolve));
    raw.on('error', () => undefined); // cut while it writes
    for (let i = 0; i < 2_000; i++) raw.send('40/x,');
    expect(await cut).toBe(1006);
  });

  it('that floods is closed with too_many_requests', async () => {
    const { ticket } = await test.create();
    const viewer = test.view(ticket);
    await viewer.until('session');
    for (let i = 0; i < 400; i++) viewer.socket.emit('visible', { visible: i % 2 === 0 });
    expect(await viewer.until('closing')).toMatchObject({ code: 'too_many_requests', number: 4002, retryable: true });
    await viewer.disconnected;
  });

  it('that sends many requests on one connection without waiting holds one slot, and none after its end', async () => {
    const small = await openTestGateway({ namespace: test.namespace, maxConnections: 2 });
    const { session, ticket } = await test.create();
    const { version } = (await test.call('GET', `/v1/sessions/${session.id}`)).body.session;
    const { hostname, port } = new URL(small.url);
    const head = `Host: x\r\nAuthorization: Bearer ${ticket}\r\n`;
    const untilCount = async (count: number) => {
      while ((await test.call('GET', `/v1/sessions/${session.id}?visible=false`)).body.session.viewers !== count);
    };
    for (const first of ['/v1/sessions/self/events', '/v1/sessions/self?wait=30']) {
      const socket = connect(Number(port), hostname);
      for (const path of [first, '/v1/sessions/self/events', '/v1/sessions/self?wait=30', '/v1/sessions/self/events']) {
        socket.write(`GET ${path} HTTP/1.1\r\n${head}If-None-Match: "${version}"\r\n\r\n`);
      }
      await untilCount(1);
      const viewer = small.view(ticket);
      await viewer.until('session'); // the second slot
      await untilCount(2);
      viewer.socket.disconnect();
      socket.destroy();
      await untilCount(0);
    }
    await small.close();
  });

  it('whose body never comes is cut', async () => {
    const { hostname, port } = new URL(test.url);
    const socket = connect(Number(port), hostname);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined); // a reset will do, too
    socket.resume();
    socket.write(`POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`);
    await closed;
  });
});

describe('a client that sends requests and does not read', () => {
  it.each([SOCKET_IO, '/v1/ws'])('is cut when it sends endless pings to %s', async (path) => {
    const raw = new WebSocket(`${test.url.replace('http', 'ws')}${path}`, path === '/v1/ws' ? ['qrcast.v1'] : []);
    raw.on('error', () => undefined); // cut while it writes
    await new Promise((resolve) => raw.once('open', resolve));
    const cut = new Promise<number>((resolve) => raw.once('close', resolve));
    let isCut = false;
    void cut.then(() => {
      isCut = true;
    });
    raw.pause();
    const payload = Buffer.alloc(125);
    // Kernels keep some of the answers. The gateway must not keep the rest.
    for (let sent = 0; !isCut && sent < 300_000; sent += 1_000) {
      for (let i = 0; i < 1_000; i++) raw.ping(payload);
      await new Promise((resolve) => setImmediate(resolve));
      if (raw.bufferedAmount > 1_000_000) await Promise.race([cut, new Promise((resolve) => raw.ping(payload, undefined, resolve))]);
    }
    expect(isCut).toBe(true);
    expect(await cut).toBe(1006);
  });

  it.each(['WebSocket', 'Socket.IO'])('has at most two states in memory, however often it subscribes on %s', async (name) => {
    const { session, ticket } = await test.create();
    await test.call('GET', '/v1/sessions/self', { secret: ticket });
    const old = await test.showCode(session.id, 'A'.repeat(400_000));
    const viewer = name === 'Socket.IO' ? test.view(ticket) : null;
    const socket = viewer === null ? openSocket(test.url) : null;
    await (viewer?.until('session') ?? socket?.opened);
    const raw = socket?.raw ?? viewer?.raw();
    raw?.pause();
    const count = MESSAGE_BURST - 10;
    const acks: Promise<Ack>[] = [];
    for (let i = 0; i < count; i++) {
      if (viewer === null) socket?.send({ type: 'subscribe', ticket });
      else acks.push(viewer.socket.emitWithAck('subscribe', { ticket }) as Promise<Ack>); // checked below
    }
    while ((raw?.bufferedAmount ?? 0) > 0) await test.node.redis.ping();
    for (let i = 0; i < 50; i++) await test.call('GET', '/v1/sessions/self?visible=false&formats=text', { secret: ticket }); // time enough for all
    const { version } = await test.showCode(session.id, 'BBBB');
    raw?.resume();
    const isOld = (told: { readonly version: number } | undefined): boolean => told?.version === old.version;
    await (viewer ?? socket)?.until('session', (told) => told.version === version);
    const answered = (await Promise.all(acks)).map(({ session: told }) => told);
    await socket?.untilAnswers(count);
    expect([...answered, ...((viewer ?? socket)?.all('session') ?? [])].filter(isOld).length).toBeLessThanOrEqual(viewer === null ? 2 : 3);
    viewer?.socket.disconnect();
    socket?.raw.close();
  });

  it.each(['/v1/ws', SOCKET_IO])('is cut when it sends a message in endless fragments on %s', async (path) => {
    const raw = new WebSocket(`${test.url.replace('http', 'ws')}${path}`, path === '/v1/ws' ? ['qrcast.v1'] : []);
    await new Promise((resolve) => raw.once('open', resolve));
    raw.on('error', () => undefined); // cut while it writes
    const closed = new Promise<number>((resolve) => raw.once('close', resolve));
    for (let i = 0; i < 20; i++) raw.send('x', { fin: false });
    expect(await closed).not.toBe(1000);
    const other = new WebSocket(`${test.url.replace('http', 'ws')}/v1/ws`, ['qrcast.v1']);
    await new Promise((resolve) => other.once('open', resolve));
    const answer = new Promise((resolve) => other.once('message', (data) => resolve(String(data))));
    const pieces = [...'{"type":"ping"}'];
    for (const [i, piece] of pieces.entries()) other.send(piece, { fin: i === pieces.length - 1 });
    expect(await answer).toBe('{"type":"pong"}');
    other.terminate();
  });

  it('is cut over HTTP, after a minute', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const { hostname, port } = new URL(test.url);
    const socket = connect(Number(port), hostname).on('error', () => undefined); // cut
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.pause();
    const limits = (): (() => void)[] => timers.mock.calls.flatMap(([run, ms]) => (ms === READ_WITHIN_MS ? [run as () => void] : [])); // of ours
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    // Timers of answers that were read do nothing. In the end the kernel takes no more, and one
    // answer stays unread.
    for (let turn = 1; !isClosed; turn++) {
      if (socket.writableLength < 100_000) socket.write('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n');
      await new Promise((resolve) => setImmediate(resolve));
      if (turn % 100 === 0) for (const run of limits()) run();
    }
    timers.mockRestore();
  });
});

describe('another writer to Redis', () => {
  it('that publishes meaningless messages neither ends the gateway nor hides a change', async () => {
    const { session, ticket } = await test.create();
    const viewer = test.view(ticket);
    await viewer.until('session', ({ state }) => state === 'waiting');
    const state = encodeState((await test.node.sessions.find(session.id)) ?? expect.unreachable());
    const [facts = '', body = ''] = state.replaceAll(/"version":\d+/g, '"version":900000000').split('\n');
    const states = [facts, `${facts}\n`, `${facts}\n{}`, `${facts}\n${body.slice(0, -1)}`, `${facts.slice(0, -1)}\n${body}`, `\n${body}`];
    for (const garbage of ['', 'garbage', '{}', 'null', '{"id":1}\nx', ...states.map((lines) => `3\n${lines}`)]) {
      await test.node.redis.publish(sessionChannel(test.namespace, session.id), garbage);
    }
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    await viewer.until('session', ({ state }) => state === 'ended');
  });
});

describe('a record in Redis that cannot be read', () => {
  const SHAPES: readonly object[] = [
    { state: { kind: 'showing', notice: null } },
    { state: { kind: 'showing', notice: null, code: {} } },
    { state: { kind: 'of another version' } },
    { state: null },
    { deadlineAt: 'tomorrow' },
    { next: { ask: '__proto__', at: 0 } },
    { id: 'ses_another' },
  ];

  it('does not end a gateway that watches it, and hides no later change', async () => {
    const { session, ticket } = await test.create();
    const viewer = test.view(ticket);
    await viewer.until('session', ({ state }) => state === 'waiting');
    const key = sessionKey(test.namespace, session.id);
    const channel = sessionChannel(test.namespace, session.id);
    const record = (await test.node.redis.hget(key, 'record')) ?? '';
    for (const shape of SHAPES) {
      const broken = JSON.stringify({ ...(JSON.parse(record) as object), version: 50, ...shape });
      await test.node.redis.hset(key, 'record', broken);
      await test.node.redis.publish(channel, broken);
      await test.node.redis.publish(channel, ''); // the record is read instead
    }
    await test.node.redis.hset(key, 'record', record);
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    await viewer.until('session', ({ state }) => state === 'ended');
  });

  it('of a tenant hides no other tenant from the operator', async () => {
    await test.node.redis.hset(tenantsKey(test.namespace), 'broken', '{"id":"broken"}');
    const { status, text } = await test.call('GET', '/v1/admin/tenants', { secret: ADMIN_KEY });
    await test.node.redis.hdel(tenantsKey(test.namespace), 'broken');
    expect(status).toBe(200);
    expect(text).toContain(`"id":"${test.tenant.id}"`);
  });
});

describe('a deleted tenant', () => {
  it('never frees its id, and leaves no key valid, not even one that was made at the same time', async () => {
    const made = await test.newTenant();
    const asked = await Promise.allSettled(Array.from({ length: 6 }, () => test.gateway.tenants.addKey(made.id)));
    const keys = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(keys).toHaveLength(1);
    expect((await test.gateway.tenants.get(made.id)).keys).toHaveLength(2);
    for (const { apiKey } of keys) expect(await test.gateway.tenants.findByKey(apiKey)).not.toBeNull();
    await test.gateway.tenants.disable(made.id);
    keys.push(await test.gateway.tenants.addKey(made.id)); // while its sessions are being ended
    await test.gateway.tenants.forget(made.id);
    for (const { apiKey } of keys) expect(await test.gateway.tenants.findByKey(apiKey)).toBeNull();
    await expect(test.gateway.tenants.create({ id: made.id, name: 'Another' })).rejects.toThrow('was deleted');
  });
});
