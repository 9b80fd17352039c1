/** The heartbeat of Engine.IO, and the time to connect, under a fake clock. */

import { once } from 'node:events';
import timers from 'node:timers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTestGateway, type TestGateway } from '../../../test/gateway.ts';
import {
  openPolled,
  openWire,
  SEPARATOR,
  visibleAnswer,
  visibleCall,
  type WireSocket,
  watchPolled,
  watchWire,
} from '../../../test/socketio-wire.ts';
import { SUBSCRIBE_WITHIN_MS } from '../idle-timeout.ts';

const PING_EVERY_MS = 25_000;
const PONG_WITHIN_MS = 20_000;
const PING = '2';
const PONG = '3';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  // The engine takes its timers from the module, which has the real ones.
  vi.spyOn(timers, 'setTimeout').mockImplementation(setTimeout);
  vi.spyOn(timers, 'clearTimeout').mockImplementation(clearTimeout);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const pass = (ms: number): void => void vi.advanceTimersByTime(ms);
const pings = ({ packets }: WireSocket): number => packets.filter((packet) => packet === PING).length;

/** The gateway knows that all it has sent was read, which must not take it 15 s. */
async function openRead() {
  const polled = await watchPolled(test);
  await polled.post(visibleCall(1));
  expect((await polled.get()).text).toBe(visibleAnswer(1)); // a poll tells that the answer to the last was read
  return polled;
}

/** What came before has been read: a round trip of the WebSocket, which is no packet of Engine.IO. */
async function expectOpen({ raw }: WireSocket): Promise<void> {
  raw.ping();
  await once(raw, 'pong');
  expect(raw.readyState).toBe(raw.OPEN);
}

describe('a session over WebSocket', () => {
  it('is pinged at each interval, and stays open while it answers', async () => {
    const wire = await watchWire(test);
    await expectOpen(wire); // behind the pong that tells the gateway that all was read
    for (const count of [1, 2, 3]) {
      pass(PING_EVERY_MS - 1);
      await expectOpen(wire);
      expect(pings(wire)).toBe(count - 1);
      pass(1);
      while (pings(wire) < count) await once(wire.raw, 'message');
      wire.send(PONG);
      await expectOpen(wire); // the gateway has the pong
    }
    wire.raw.close();
    await wire.closed;
  });

  it('is closed when its pong is missing', async () => {
    const wire = await watchWire(test);
    await expectOpen(wire); // behind the pong that tells the gateway that all was read
    pass(PING_EVERY_MS);
    await wire.until(PING);
    pass(PONG_WITHIN_MS - 1);
    await expectOpen(wire);
    pass(1);
    await wire.closed;
  });

  it('is closed when it does not connect in time', async () => {
    const wire = openWire(test.url);
    await wire.until('0');
    pass(SUBSCRIBE_WITHIN_MS - 1);
    await expectOpen(wire);
    pass(1);
    await wire.closed;
  });
});

describe('a polled session', () => {
  it('is pinged at each interval, and stays open while it answers', async () => {
    const { get, post } = await openRead();
    for (let count = 1; count <= 3; count++) {
      pass(PING_EVERY_MS - 1);
      await post(visibleCall(1));
      expect((await get()).text).toBe(visibleAnswer(1));
      pass(1);
      expect(await get()).toEqual({ status: 200, text: PING });
      expect(await post(PONG)).toEqual({ status: 200, text: 'ok' });
    }
  });

  it('is closed when its pong is missing', async () => {
    const { get, post } = await openRead();
    pass(PING_EVERY_MS);
    expect((await get()).text).toBe(PING);
    pass(PONG_WITHIN_MS);
    expect((await post(PONG)).status).toBe(400);
    expect((await get()).status).toBe(400);
  });

  it('is closed when it does not connect in time', async () => {
    const { get } = await openPolled(test.url);
    pass(SUBSCRIBE_WITHIN_MS);
    expect(await get()).toEqual({ status: 200, text: `6${SEPARATOR}1` }); // a polite close waits for a poll
    expect((await get()).status).toBe(400);
  });
});
