/**
 * The packets of Socket.IO over a WebSocket: the behaviours of its public suite, as far as they
 * hold for a gateway with one namespace, with tickets and without an echo. `test/public-suites.ts`
 * lists them.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestGateway, type TestGateway } from '../../../test/gateway.ts';
import {
  connectPacket,
  openPolled,
  openWire,
  SEPARATOR,
  visibleAnswer,
  visibleCall,
  type WireSocket,
  watchPolled,
  watchWire,
} from '../../../test/socketio-wire.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

/** A connection that has sent nothing yet. */
async function openSilent(): Promise<WireSocket> {
  const wire = openWire(test.url);
  await wire.until('0');
  return wire;
}

/** The connection takes events, and has sent nothing else since it was given this many packets. */
async function expectAlive({ send, until, packets }: WireSocket, sincePackets: number, id = 99): Promise<void> {
  send(visibleCall(id));
  await until(visibleAnswer(id));
  expect(packets.slice(sincePackets)).toEqual([visibleAnswer(id)]);
}

const jsonOf = (packet: string): unknown => JSON.parse(packet.replace(/^\d+/, ''));

describe('a CONNECT', () => {
  it('with a ticket joins the main namespace, and is answered with its id before any event', async () => {
    const { ticket, session } = await test.create();
    const wire = await openSilent();
    wire.send(connectPacket(ticket));
    const event = jsonOf(await wire.until('42'));
    expect(wire.packets[1]?.slice(0, 3)).toBe('40{');
    expect(jsonOf(wire.packets[1] ?? '')).toEqual({ sid: expect.stringMatching(/^[\w-]{20}$/) });
    expect(event).toEqual(['session', expect.objectContaining({ id: session.id })]);
    wire.raw.close();
  });

  it('is taken by polling, too', async () => {
    const { ticket } = await test.create();
    const { get, post } = await openPolled(test.url);
    expect(await post(connectPacket(ticket))).toEqual({ status: 200, text: 'ok' });
    expect((await get()).text).toMatch(/^40\{"sid":"[\w-]{20}"\}/);
  });

  it.each([
    ['no payload', '40', 'invalid_request'],
    ['an empty payload', '40{}', 'invalid_request'],
    ['a payload that is no ticket', '40{"ticket":"123"}', 'unauthenticated'],
    ['another payload', '40{"token":"123"}', 'invalid_request'],
  ])('with %s is refused with a reason', async (_what, packet, code) => {
    const wire = await openSilent();
    wire.send(packet);
    const refused = jsonOf(await wire.until('44'));
    expect(refused).toEqual({ message: code, data: { code, detail: expect.any(String), retryable: false } });
    expect(wire.packets).toHaveLength(2);
    wire.raw.close();
  });

  it.each([
    ['/random', '40/random'],
    ['/custom', '40/custom,'],
    ['/custom', '40/custom,{"token":"abc"}'],
  ])('to the namespace %s is refused, with or without a payload: %s', async (name, packet) => {
    const wire = await openSilent();
    wire.send(packet);
    expect(await wire.until('44')).toBe(`44${name},{"message":"Invalid namespace"}`);
    wire.raw.close();
  });

  it('to another namespace leaves the main namespace connected', async () => {
    const wire = await watchWire(test);
    wire.send('40/custom,');
    await wire.until('44/custom,');
    await expectAlive(wire, wire.packets.length);
    wire.raw.close();
  });

  it('is the only one of its connection: a second ends it', async () => {
    const { ticket } = await test.create();
    const wire = await watchWire(test);
    const before = wire.packets.length;
    wire.send(connectPacket(ticket));
    await wire.closed;
    expect(wire.packets.slice(before)).toEqual([]);
  });

  it('is the only one of its connection, also if it was refused', async () => {
    const { ticket } = await test.create();
    const wire = await openSilent();
    wire.send('40');
    await wire.until('44');
    wire.send(connectPacket(ticket));
    expect(jsonOf(await wire.until('44{"message":"too_many_requests"'))).toMatchObject({ data: { code: 'too_many_requests' } });
    wire.raw.close();
    // A new connection is admitted, which is how stock clients try again.
    const next = await openSilent();
    next.send(connectPacket(ticket));
    await next.until('42["session"');
    next.raw.close();
  });

  it.each([
    ['a packet of no known type', '4abc'],
    ['a payload that is no object', '40[]'],
    ['a payload that is no JSON', '40{"ticket"'],
    ['an event', visibleCall(1)],
    ['an acknowledgement', '430[]'],
    ['a DISCONNECT', '41'],
  ])('that never came: %s instead ends the connection', async (_what, packet) => {
    const wire = await openSilent();
    wire.send(packet);
    await wire.closed;
    expect(wire.packets).toHaveLength(1);
  });
});

describe('a DISCONNECT', () => {
  it('from the main namespace ends the connection, and the viewer can come again', async () => {
    const { ticket } = await test.create();
    for (let round = 1; round <= 2; round++) {
      const wire = await openSilent();
      wire.send(connectPacket(ticket));
      await wire.until('42["session"');
      wire.send('41');
      await wire.closed;
    }
  });

  it('by polling ends the session', async () => {
    const { get, post } = await watchPolled(test);
    await post('41');
    expect((await get()).status).toBe(400);
  });

  it('from a namespace that was not joined ends the connection', async () => {
    const wire = await watchWire(test);
    wire.send('41/custom,');
    await wire.closed;
  });
});

describe('an event', () => {
  it('without an acknowledgement is done, and not answered', async () => {
    const wire = await watchWire(test);
    const before = wire.packets.length;
    wire.send('42["visible",{"visible":false}]');
    while ((await test.call('GET', `/v1/sessions/${wire.sessionId}?visible=false`)).body.session.viewers !== 0);
    await expectAlive(wire, before);
    wire.raw.close();
  });

  it.each([0, 1, 456])('with the acknowledgement %i is answered under that number', async (id) => {
    const wire = await watchWire(test);
    await expectAlive(wire, wire.packets.length, id);
    wire.raw.close();
  });

  it('with further arguments is answered, too', async () => {
    const wire = await watchWire(test);
    wire.send('425["visible",{"visible":true},"2",{"3":[true]}]');
    await wire.until(visibleAnswer(5));
    wire.raw.close();
  });

  it('that is refused is answered with the reason, and the connection goes on', async () => {
    const wire = await watchWire(test);
    wire.send('427["visible",1,"2",{"3":[true]}]');
    expect(jsonOf(await wire.until('437'))).toEqual([{ ok: false, error: expect.objectContaining({ code: 'invalid_request' }) }]);
    await expectAlive(wire, wire.packets.length);
    wire.raw.close();
  });

  const TWO_BYTES = '["visible",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]';

  it('with bytes and an acknowledgement is put together, and refused with the reason', async () => {
    const wire = await watchWire(test);
    for (const packet of [`452-789${TWO_BYTES}`, Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)]) wire.send(packet);
    const detail = 'the request: expected object (came: bytes)';
    expect(jsonOf(await wire.until('43789'))).toEqual([{ ok: false, error: { code: 'invalid_request', detail, retryable: false } }]);
    await expectAlive(wire, wire.packets.length);
    wire.raw.close();
  });

  it('with bytes and no acknowledgement is not answered, and the connection goes on', async () => {
    const wire = await watchWire(test);
    const before = wire.packets.length;
    for (const packet of [`452-${TWO_BYTES}`, Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)]) wire.send(packet);
    await expectAlive(wire, before);
    wire.raw.close();
  });

  it('for another namespace ends the connection', async () => {
    const wire = await watchWire(test);
    wire.send('42/custom,["visible",{"visible":true}]');
    await wire.closed;
  });
});

describe('a wrong packet', () => {
  it.each([
    ['no known type', '4abc'],
    ['the type of a payload that is no list', '42{}'],
    ['an empty list', '42[]'],
    ['no name', '42[null]'],
    ['a name that Socket.IO keeps for itself', '42["connect"]'],
    ['an acknowledgement that is no number', '42abc["visible",{"visible":true}]'],
    ['a payload that is no JSON', '42["visible"'],
    ['no count of its bytes', '45["visible"]'],
    ['what only the server sends', '44{}'],
  ])('ends the connection: %s', async (_what, packet) => {
    const wire = await watchWire(test);
    const before = wire.packets.length;
    wire.send(packet);
    await wire.closed;
    expect(wire.packets.slice(before)).toEqual([]);
  });

  it('in place of the bytes of an event ends the connection', async () => {
    const wire = await watchWire(test);
    wire.send('451-["visible",{"_placeholder":true,"num":0}]');
    wire.send(visibleCall(1));
    await wire.closed;
    expect(wire.packets).not.toContain(visibleAnswer(1));
  });

  it('by polling ends the session, which the next poll is told', async () => {
    const { get, post } = await watchPolled(test);
    await post('42{}');
    expect(await get()).toEqual({ status: 200, text: `6${SEPARATOR}1` });
    expect((await get()).status).toBe(400);
  });
});
