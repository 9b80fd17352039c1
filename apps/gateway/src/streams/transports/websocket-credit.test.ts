import type { AddressInfo } from 'node:net';
import { Histogram } from '@qrcast/runtime/metrics/meters';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import { WINDOW } from '../delivery.ts';
import {
  ASK_AFTER,
  ASK_FROM_MS,
  ASK_TO_MS,
  openPingCredit,
  PING_EVERY_MS,
  type PingCredit,
  PONG_WITHIN_MS,
  sweepCredit,
} from './websocket-credit.ts';

const SWEPT_EVERY_MS = 1_000;

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

const read = (credit: PingCredit, isAwaited = true): Promise<void> => new Promise((resolve) => credit.whenRead(resolve, isAwaited));
const nextPing = (): Promise<Buffer> => new Promise((resolve) => client.once('ping', resolve));

describe('a ping credit', () => {
  it('is given when everything sent before it has been read, in the order of the requests', async () => {
    const raw = await connect();
    const credit = openPingCredit(raw, false, new Histogram([]));
    const told: string[] = [];
    client.on('message', (data) => told.push(String(data)));
    const seen: string[][] = [];
    await new Promise<void>((resolve) => {
      for (const name of ['a', 'b', 'c']) {
        raw.send(name);
        credit.whenRead(() => {
          seen.push([name, ...told]);
          if (name === 'c') resolve();
        }, true);
      }
    });
    expect(seen.map(([name]) => name)).toEqual(['a', 'b', 'c']);
    for (const [name, ...before] of seen) expect(before).toContain(name);
  });

  it('sends one ping at a time, however much is sent', async () => {
    const raw = await connect();
    const credit = openPingCredit(raw, false, new Histogram([]));
    let pings = 0;
    client.on('ping', () => pings++);
    await Promise.all(Array.from({ length: 500 }, () => read(credit)));
    expect(pings).toBe(2);
    expect(raw.readyState).toBe(raw.OPEN);
  });

  it('asks once for several frames, before there are as many as a subscription may have unread', async () => {
    const raw = await connect();
    const credit = openPingCredit(raw, false, new Histogram([]));
    await read(credit); // the first ping comes after a random number
    let pings = 0;
    client.on('ping', () => pings++);
    for (let round = 1; round <= 3; round++) {
      const all = Array.from({ length: ASK_AFTER }, () => read(credit, false));
      expect(credit.unread()).toBe(ASK_AFTER);
      await Promise.all(all);
      expect([pings, credit.unread()]).toEqual([round, 0]);
    }
    expect(ASK_AFTER).toBeLessThan(WINDOW);
  });

  it('asks for the first frames of many connections at different times', async () => {
    const counts = new Set<number>();
    for (let i = 0; i < 200 && counts.size < ASK_AFTER; i++) {
      let pings = 0;
      const credit = openPingCredit(
        { on: () => undefined, ping: () => pings++, OPEN: 1, readyState: 1 } as never,
        false,
        new Histogram([]),
      ); // what it uses
      let frames = 0;
      while (pings === 0) {
        credit.whenRead(() => undefined, false);
        frames++;
      }
      counts.add(frames);
    }
    expect([...counts].toSorted()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('asks for a few frames after a while', async () => {
    const raw = await connect();
    const credit = openPingCredit(raw, false, new Histogram([]));
    await read(credit);
    const sentAt = performance.now();
    const all = [read(credit, false), read(credit, false)];
    let pings = 0;
    client.on('ping', () => pings++);
    credit.sweep(sentAt + ASK_FROM_MS - 1);
    expect(credit.unread()).toBe(2);
    credit.sweep(performance.now() + ASK_TO_MS);
    await Promise.all(all);
    expect(pings).toBe(1);
  });

  it('asks at the next pong if somebody waits for room', async () => {
    const raw = await connect({ autoPong: false });
    const credit = openPingCredit(raw, false, new Histogram([]));
    const asked = nextPing();
    const first = read(credit);
    const later = read(credit, false);
    expect(credit.askSoon()).toBe(false);
    const second = asked.then((mark) => {
      const next = nextPing();
      client.pong(mark);
      return next;
    });
    await first;
    client.pong(await second);
    await later;
    expect(credit.unread()).toBe(0);
  });

  it('is not given for a pong that answers no ping', async () => {
    const raw = await connect({ autoPong: false });
    const credit = openPingCredit(raw, false, new Histogram([]));
    let isRead = false;
    const asked = nextPing();
    const given = read(credit).then(() => {
      isRead = true;
    });
    const mark = await asked;
    const pongs = new Promise<void>((resolve) => raw.on('pong', (data) => data.length === 1 && resolve()));
    for (const guess of [Buffer.alloc(0), Buffer.alloc(8), Buffer.alloc(1)]) client.pong(guess);
    await pongs;
    expect(isRead).toBe(false);
    client.pong(mark);
    await given;
  });

  it('has a mark that is never the same, and that no later ping changes', async () => {
    const marks: Buffer[] = [];
    for (let i = 0; i < 1_500; i++) {
      const credit = openPingCredit(
        { on: () => undefined, ping: (mark: Buffer) => marks.push(mark), OPEN: 1, readyState: 1 } as never, // what it uses
        false,
        new Histogram([]),
      );
      credit.whenRead(() => undefined, true);
    }
    expect(new Set(marks.map((mark) => mark.toString('hex'))).size).toBe(1_500);
  });
});

describe('the sweep', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('keeps a client that answers, and cuts one that does not', async () => {
    const raw = await connect({ autoPong: false });
    const stop = sweepCredit(openPingCredit(raw, true, new Histogram([])));
    const closed = new Promise((resolve) => raw.once('close', resolve));
    for (let i = 0; i < 3; i++) {
      const pinged = nextPing();
      vi.advanceTimersByTime(PING_EVERY_MS + SWEPT_EVERY_MS);
      const ponged = new Promise((resolve) => raw.once('pong', resolve));
      client.pong(await pinged);
      await ponged;
    }
    expect(raw.readyState).toBe(raw.OPEN);
    vi.advanceTimersByTime(PING_EVERY_MS + PONG_WITHIN_MS - 6 * SWEPT_EVERY_MS);
    expect(raw.readyState).toBe(raw.OPEN);
    vi.advanceTimersByTime(10 * SWEPT_EVERY_MS);
    await closed;
    stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves an idle client to a transport that keeps it alive itself', async () => {
    const raw = await connect({ autoPong: false });
    const stop = sweepCredit(openPingCredit(raw, false, new Histogram([])));
    let pings = 0;
    client.on('ping', () => pings++);
    vi.advanceTimersByTime(10 * PING_EVERY_MS);
    raw.send('last');
    await new Promise((resolve) => client.once('message', resolve));
    expect([pings, raw.readyState]).toEqual([0, raw.OPEN]);
    stop();
  });
});
