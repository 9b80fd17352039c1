import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openViewer, type Viewer, type ViewerOptions } from '../../../test/viewer.ts';
import { emitThen, rawWebSocket } from './socketio-credit.ts';

let http: HttpServer;
let io: Server;
const viewers: Viewer[] = [];

beforeEach(async () => {
  http = createServer();
  io = new Server(http);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  for (const viewer of viewers.splice(0)) viewer.socket.disconnect();
  await io.close();
});

async function connect(options: ViewerOptions): Promise<{ server: Socket; viewer: Viewer }> {
  const accepted = new Promise<Socket>((resolve) => io.once('connection', resolve));
  const viewer = openViewer(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, 'any', options); // it listens on TCP
  viewers.push(viewer);
  return { server: await accepted, viewer };
}

/** Resolves when `sent` was called. */
const send = (server: Socket, retryAfterMs: number): Promise<void> =>
  new Promise((resolve) => emitThen(server, () => server.emit('draining', { retryAfterMs }), resolve));

/** A round trip through the client after the message. A credit would have come before it. */
async function isSettledBefore(promise: Promise<void>, barrier: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => true), barrier.then(() => false)]);
}

describe('emitThen', () => {
  it('finds the WebSocket where engine.io keeps it: if this fails, engine.io has renamed it', async () => {
    const { server } = await connect({ transports: ['websocket'] });
    expect(server.conn.transport.name).toBe('websocket');
    const raw = rawWebSocket(server.conn.transport);
    expect(raw).toHaveProperty('_socket.writable', true); // socketio-packet.ts uses both fields
    expect(server.conn).toHaveProperty('writeBuffer', []);
    expect(raw?.readyState).toBe(raw?.OPEN);
    expect(raw?.ping).toBeTypeOf('function');
    const { server: polling } = await connect({ transports: ['polling'] });
    expect(rawWebSocket(polling.conn.transport)).toBeNull();
  });

  it.each<[string, ViewerOptions]>([
    ['websocket', { transports: ['websocket'] }],
    ['polling', { transports: ['polling'] }],
    ['polling, upgraded in between', { transports: ['polling', 'websocket'] }],
  ])('gives credit for each message in its order (%s)', async (_name, options) => {
    const { server, viewer } = await connect(options);
    for (let i = 0; i < 30; i++) {
      await send(server, i);
      expect(viewer.all('draining')).toHaveLength(i + 1);
    }
  });

  it('gives credit for many messages at once without a listener for each', async () => {
    const warnings: unknown[] = [];
    const warn = (warning: unknown): void => void warnings.push(warning);
    process.on('warning', warn);
    for (const transports of [['websocket'], ['polling']] as const) {
      const { server, viewer } = await connect({ transports: [...transports] });
      await Promise.all(Array.from({ length: 100 }, (_, i) => send(server, i)));
      expect(viewer.all('draining')).toHaveLength(100);
    }
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });

  it('gives no credit while the client does not read', async () => {
    const { server, viewer } = await connect({ transports: ['websocket'] });
    await send(server, 1);
    viewer.raw().pause();
    const credit = send(server, 2);
    const { server: other } = await connect({ transports: ['websocket'] });
    expect(await isSettledBefore(credit, send(other, 3))).toBe(false);
    viewer.raw().resume();
    await credit;
    expect(viewer.all('draining')).toHaveLength(2);
  });

  it('gives no credit for a message until the polling client polls again', async () => {
    const { server, viewer } = await connect({ transports: ['polling'] });
    await send(server, 1);
    // The poll is answered with the message. The next poll never comes.
    const { engine } = viewer.socket.io;
    Object.assign(engine.transport, { _poll: () => undefined });
    const credit = send(server, 2);
    await viewer.until('draining', ({ retryAfterMs }) => retryAfterMs === 2);
    const { server: other } = await connect({ transports: ['websocket'] });
    expect(await isSettledBefore(credit, send(other, 3))).toBe(false);
  });
});
