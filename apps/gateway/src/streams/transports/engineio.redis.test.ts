/**
 * Engine.IO under Socket.IO, packet by packet: the behaviours of its public suite, as far as they
 * hold for a gateway that echoes nothing. `test/public-suites.ts` lists them. Heartbeats are in
 * `engineio-heartbeat.redis.test.ts`.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestGateway, type TestGateway } from '../../../test/gateway.ts';
import { requestHead } from '../../../test/raw-http.ts';
import {
  ask,
  askUpgrade,
  openWire,
  REVISION,
  SEPARATOR,
  visibleAnswer,
  visibleCall,
  type WireAnswer,
  watchPolled,
  watchWire,
} from '../../../test/socketio-wire.ts';
import { MAX_MESSAGE_BYTES } from '../message-budget.ts';

const POLLING = `${REVISION}&transport=polling`;
const WEBSOCKET = `${REVISION}&transport=websocket`;
const UNKNOWN_SID = { code: 1, message: 'Session ID unknown' };

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

/** What opens a session, with the upgrades that it offers. */
const openPacket = (upgrades: readonly string[]): object => ({
  sid: expect.stringMatching(/^[\w-]{20}$/),
  upgrades,
  pingInterval: 25_000,
  pingTimeout: 20_000,
  maxPayload: MAX_MESSAGE_BYTES,
});

function expectUnknown({ status, text }: WireAnswer): void {
  expect([status, JSON.parse(text)]).toEqual([400, UNKNOWN_SID]);
}

/** The code with which the engine refuses a request. */
async function refusalOf(query: string, method = 'GET'): Promise<readonly [number, number]> {
  const { status, text } = await ask(test.url, query, { method });
  return [status, (JSON.parse(text) as { code: number }).code];
}

describe('a handshake by polling', () => {
  it('opens a session', async () => {
    const { status, text } = await ask(test.url, POLLING);
    expect([status, text[0], JSON.parse(text.slice(1))]).toEqual([200, '0', openPacket(['websocket'])]);
  });

  it.each(['transport=polling', 'EIO=abc&transport=polling', 'EIO=3&transport=polling'])(
    'of no or another revision is refused: %s',
    async (query) => {
      expect(await refusalOf(query)).toEqual([400, 5]);
    },
  );

  it.each([REVISION, `${REVISION}&transport=abc`, `${REVISION}&transport=webtransport`])(
    'over no or an unknown transport is refused: %s',
    async (query) => {
      expect(await refusalOf(query)).toEqual([400, 0]);
      expect(await refusalOf(query, 'POST')).toEqual([400, 0]);
    },
  );

  it.each([
    ['POST', 2],
    ['PUT', 3],
    ['DELETE', 3],
  ] as const)('by %s is refused', async (method, code) => {
    expect(await refusalOf(POLLING, method)).toEqual([400, code]);
  });
});

describe('a handshake over WebSocket', () => {
  it('opens a session without upgrades', async () => {
    const wire = openWire(test.url);
    expect(JSON.parse((await wire.until('0')).slice(1))).toEqual(openPacket([]));
    wire.raw.close();
    await wire.closed;
  });

  it.each(['transport=websocket', 'EIO=abc&transport=websocket', 'EIO=3&transport=websocket', 'EIO=4&EIO=3&transport=websocket'])(
    'of no or another revision is refused: %s',
    async (query) => {
      expect(await askUpgrade(test.url, query)).toBe(400);
    },
  );

  it.each([REVISION, `${REVISION}&transport=abc`])('over no or an unknown transport is refused: %s', async (query) => {
    expect(await askUpgrade(test.url, query)).toBe(400);
  });

  it('that names polling is closed without a session', async () => {
    const wire = openWire(test.url, POLLING);
    await wire.closed;
    expect(wire.packets).toEqual([]);
  });
});

describe('a polled session', () => {
  it('takes a payload of one packet, and answers the next poll', async () => {
    const { get, post } = await watchPolled(test);
    expect(await post(visibleCall(1))).toEqual({ status: 200, text: 'ok' });
    expect(await get()).toEqual({ status: 200, text: visibleAnswer(1) });
  });

  it('takes a payload of several packets, and answers with several', async () => {
    const { get, post } = await watchPolled(test);
    expect(await post([1, 2, 3].map(visibleCall).join(SEPARATOR))).toEqual({ status: 200, text: 'ok' });
    expect(await get()).toEqual({ status: 200, text: [1, 2, 3].map(visibleAnswer).join(SEPARATOR) });
  });

  it('takes a payload of text and bytes', async () => {
    const { get, post } = await watchPolled(test);
    const withBytes = `451-7["visible",{"_placeholder":true,"num":0}]${SEPARATOR}bAQIDBA==`;
    expect(await post(`${visibleCall(6)}${SEPARATOR}${withBytes}`)).toEqual({ status: 200, text: 'ok' });
    const [text, refused, ...more] = (await get()).text.split(SEPARATOR);
    expect([text, more]).toEqual([visibleAnswer(6), []]);
    expect(refused).toMatch(/^437\[\{"ok":false,"error":\{"code":"invalid_request",.*came: bytes/);
  });

  it('ends with a packet of no known type', async () => {
    const { get, post } = await watchPolled(test);
    await post('abc');
    expectUnknown(await get());
  });

  it('ends with a payload of more bytes than it was told', async () => {
    const { get, post } = await watchPolled(test);
    expect(await post(`42["visible",{"visible":true}]${' '.repeat(MAX_MESSAGE_BYTES)}`)).toMatchObject({ status: 413 });
    expectUnknown(await get());
  });

  it('ends with a second poll at the same time', async () => {
    const { get, beginGet } = await watchPolled(test);
    const { answered } = await beginGet();
    expect((await get()).status).toBe(400);
    expect(await answered).toEqual({ status: 200, text: '1' });
    expectUnknown(await get());
  });

  it('ends with a second payload at the same time', async () => {
    const { sid, get, post } = await watchPolled(test);
    const first = connect(test.gateway.port, '127.0.0.1').on('error', () => undefined); // cut
    const head = ['Host: x', 'Content-Type: text/plain', 'Content-Length: 9', 'Expect: 100-continue'];
    first.write(requestHead(`POST /socket.io/?${POLLING}&sid=${sid} HTTP/1.1`, ...head));
    expect(String((await once(first, 'data'))[0])).toContain(' 100 '); // the gateway has the first
    expect((await post('3')).status).toBe(400);
    first.destroy();
    expectUnknown(await get());
  });

  it('ends with a poll that is cancelled', async () => {
    const { get, beginGet } = await watchPolled(test);
    await (await beginGet()).cancel();
    expectUnknown(await get());
  });

  it('ends with a close packet, and answers the poll under way', async () => {
    const { get, post, beginGet } = await watchPolled(test);
    const { answered } = await beginGet();
    expect(await post('1')).toEqual({ status: 200, text: 'ok' });
    expect(await answered).toEqual({ status: 200, text: '6' });
    expectUnknown(await get());
  });

  it('is not to be had by another transport, revision or id', async () => {
    const { sid, get, post } = await watchPolled(test);
    expect(await refusalOf(`${WEBSOCKET}&sid=${sid}`)).toEqual([400, 3]);
    expect(await refusalOf(`${WEBSOCKET}&sid=${sid}`, 'POST')).toEqual([400, 3]);
    expect(await refusalOf(`${REVISION}&transport=abc&sid=${sid}`, 'POST')).toEqual([400, 0]);
    expect(await refusalOf(`EIO=3&transport=polling&sid=${sid}`)).toEqual([400, 3]);
    expectUnknown(await ask(test.url, `${POLLING}&sid=${sid}x`));
    expect(await askUpgrade(test.url, `${WEBSOCKET}&sid=${sid}x`)).toBe(400);
    await post(visibleCall(1)); // none of it has harmed the session
    expect((await get()).text).toBe(visibleAnswer(1));
  });
});

describe('a session over WebSocket', () => {
  it('takes a text packet, and answers with one', async () => {
    const wire = await watchWire(test);
    const before = wire.packets.length;
    wire.send(visibleCall(1));
    await wire.until(visibleAnswer(1));
    expect(wire.packets.slice(before)).toEqual([visibleAnswer(1)]);
    wire.raw.close();
  });

  it.each([
    ['a packet of no known type', 'abc'],
    ['an empty packet', ''],
    ['bytes that belong to no event', Uint8Array.of(1, 2, 3, 4)],
    ['a ping, which only the server sends', '2'],
    ['a close packet', '1'],
  ])('ends with %s', async (_what, packet) => {
    const wire = await watchWire(test);
    wire.send(packet);
    await wire.closed;
  });
});

describe('an upgrade from polling to WebSocket', () => {
  /** A session whose upgrade is probed, and its poll answered. */
  async function probe() {
    const polled = await watchPolled(test);
    const { answered } = await polled.beginGet();
    const wire = openWire(test.url, `${WEBSOCKET}&sid=${polled.sid}`);
    await once(wire.raw, 'open');
    wire.send('2probe');
    await wire.until('3probe');
    expect(await answered).toEqual({ status: 200, text: '6' });
    return { ...polled, wire };
  }

  async function upgrade() {
    const probed = await probe();
    probed.wire.send('5');
    await expectAnswer(probed.wire, 1);
    return probed;
  }

  async function expectAnswer({ send, until }: ReturnType<typeof openWire>, id: number): Promise<void> {
    send(visibleCall(id));
    await until(visibleAnswer(id));
  }

  it('is probed, ends the poll under way, and goes on over the WebSocket', async () => {
    const { wire } = await upgrade();
    expect(wire.packets).toEqual(['3probe', visibleAnswer(1)]);
    wire.raw.close();
  });

  it('that is not completed leaves the session where it was', async () => {
    const { wire, get, post } = await probe();
    wire.raw.close();
    await wire.closed;
    await post(visibleCall(1));
    // A last empty poll of the upgrade may come before.
    let { text } = await get();
    if (text === '6') ({ text } = await get());
    expect(text).toBe(visibleAnswer(1));
  });

  it('leaves nothing to poll, and the session goes on', async () => {
    const { wire, get, post } = await upgrade();
    expect((await get()).status).toBe(400);
    expect((await post(visibleCall(2))).status).toBe(400);
    await expectAnswer(wire, 3);
    expect(wire.packets).not.toContain(visibleAnswer(2));
    wire.raw.close();
  });

  it('leaves no room for a second WebSocket, and the session goes on', async () => {
    const { wire, sid } = await upgrade();
    const second = openWire(test.url, `${WEBSOCKET}&sid=${sid}`);
    await second.closed;
    expect(second.packets).toEqual([]);
    await expectAnswer(wire, 2);
    wire.raw.close();
  });
});
