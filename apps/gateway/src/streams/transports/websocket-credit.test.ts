import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import { keepAlive, openPingCredit, PING_EVERY_MS, PONG_WITHIN_MS } from './websocket-credit.ts';

let server: WebSocketServer;
let client: WebSocket;
beforeEach(async () => {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
});
afterEach(async () => {
  client.terminate();
  await new Promise((resolve) => server.close(resolve));
});

async function connect(options: ClientOptions = {}): Promise<WebSocket> {
  const accepted = new Promise<WebSocket>((resolve) => server.once('connection', resolve));
  client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, options); // it listens on TCP
  client.on('error', () => undefined); // cut by the test
  return accepted;
}

describe('a ping credit', () => {
  it('is given when everything sent before it has been read, in the order of the requests', async () => {
    const raw = await connect();
    const credit = openPingCredit(raw);
    const told: string[] = [];
    client.on('message', (data) => told.push(String(data)));
    const read: string[][] = [];
    await new Promise<void>((resolve) => {
      for (const name of ['a', 'b', 'c']) {
        raw.send(name);
        credit(() => {
          read.push([name, ...told]);
          if (name === 'c') resolve();
        });
      }
    });
    expect(read.map(([name]) => name)).toEqual(['a', 'b', 'c']);
    for (const [name, ...before] of read) expect(before).toContain(name);
  });

  it('sends one ping at a time, however much is sent', async () => {
    const raw = await connect();
    const credit = openPingCredit(raw);
    let pings = 0;
    client.on('ping', () => pings++);
    await Promise.all(Array.from({ length: 500 }, () => new Promise<void>((resolve) => credit(resolve))));
    expect(pings).toBe(2);
    expect(raw.readyState).toBe(raw.OPEN);
  });

  it('is not given for a pong that answers no ping', async () => {
    const raw = await connect({ autoPong: false });
    const credit = openPingCredit(raw);
    let isRead = false;
    const asked = new Promise<Buffer>((resolve) => client.once('ping', resolve));
    const given = new Promise<void>((resolve) =>
      credit(() => {
        isRead = true;
        resolve();
      }),
    );
    const mark = await asked;
    const pongs = new Promise<void>((resolve) => raw.on('pong', (data) => data.length === 1 && resolve()));
    for (const guess of [Buffer.alloc(0), Buffer.alloc(8), Buffer.alloc(1)]) client.pong(guess);
    await pongs;
    expect(isRead).toBe(false);
    client.pong(mark);
    await given;
  });
});

describe('keep-alive', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('keeps a client that answers, and cuts one that does not', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
    const raw = await connect({ autoPong: false });
    const stop = keepAlive(raw, openPingCredit(raw));
    const closed = new Promise((resolve) => raw.once('close', resolve));
    for (let i = 0; i < 3; i++) {
      const pinged = new Promise<Buffer>((resolve) => client.once('ping', resolve));
      vi.advanceTimersByTime(PING_EVERY_MS);
      const ponged = new Promise((resolve) => raw.once('pong', resolve));
      client.pong(await pinged);
      await ponged;
    }
    expect(raw.readyState).toBe(raw.OPEN);
    vi.advanceTimersByTime(PING_EVERY_MS + PONG_WITHIN_MS - 1);
    expect(raw.readyState).toBe(raw.OPEN);
    vi.advanceTimersByTime(1);
    await closed;
    stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
