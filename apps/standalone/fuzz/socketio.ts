/**
 * The edge of Socket.IO: packets of its protocol and of engine.io below it, over WebSocket and
 * polling.
 */

import fc from 'fast-check';
import { type Damage, damaged, damages } from './bytes.ts';
import { exchangeRaw } from './raw-exchange.ts';
import type { Edge, Seen } from './run-edge.ts';
import type { Stage } from './stage.ts';
import { changedJson, hostileText, type JsonChange, jsonChange, render, type Text } from './values.ts';
import { type FrameHead, frameHead, frameOf, type Handshake, handshake, handshakeOf, withoutPongs } from './websocket.ts';

/** The packet types of engine.io and Socket.IO, with their payload. `json` is appended. */
const PACKETS: readonly { readonly head: string; readonly json?: unknown }[] = [
  { head: '40', json: { ticket: ':ticket' } },
  { head: '40', json: { ticket: ':planted', visible: false, after: 3 } },
  { head: '40/other,', json: { ticket: ':ticket' } },
  { head: '40' },
  { head: '421', json: ['subscribe', { ticket: ':ticket' }] },
  { head: '42', json: ['subscribe', { ticket: ':planted' }] },
  { head: '422', json: ['visible', { visible: false }] },
  { head: '423', json: ['password', { sessionId: ':id', password: ':planted' }] },
  { head: '424', json: ['resume', { sessionId: ':id' }] },
  { head: '425', json: ['start_over', { sessionId: ':id' }] },
  { head: '426', json: ['unsubscribe', { sessionId: ':id' }] },
  { head: '42', json: ['connect'] },
  { head: '42', json: ['disconnect', 'x'] },
  { head: '42', json: ['error', { message: 'x' }] },
  { head: '42', json: ['__proto__', { a: 1 }] },
  { head: '4299999999999999999999', json: ['visible', { visible: true }] },
  { head: '430', json: [{ ok: true }] },
  { head: '43' },
  { head: '44', json: { message: 'x' } },
  { head: '41' },
  { head: '451-', json: ['visible', { _placeholder: true, num: 0 }] },
  { head: '459999999-', json: ['visible', { _placeholder: true, num: 1 }] },
  { head: '45-', json: ['visible'] },
  { head: '461-7', json: [{ _placeholder: true, num: -1 }] },
  { head: '48' },
  { head: '2probe' },
  { head: '3probe' },
  { head: '2' },
  { head: '3' },
  { head: '5' },
  { head: '6' },
  { head: '1' },
  { head: '0', json: { sid: 'x', upgrades: [], pingInterval: 1 } },
  { head: 'b', json: 'AAAA' },
  { head: 'bAAAA' },
  { head: '' },
  { head: '9' },
];

interface Packet {
  readonly nth: number;
  readonly json: readonly JsonChange[];
  readonly suffix: Text;
  readonly times: number;
}

const none: Text = { before: '', middle: '', after: '', times: 0 };

const packet: fc.Arbitrary<Packet> = fc.record({
  nth: fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat(PACKETS.length - 1) }),
  json: fc.array(jsonChange, { maxLength: 2 }),
  suffix: fc.oneof({ weight: 6, arbitrary: fc.constant(none) }, hostileText),
  times: fc.oneof({ weight: 8, arbitrary: fc.constant(1) }, fc.constantFrom(2, 30, 3_000)),
});

type SocketIoInput =
  | {
      readonly way: 'websocket';
      readonly handshake: Handshake;
      readonly packets: readonly { readonly frame: FrameHead; readonly packet: Packet }[];
      readonly damages: readonly Damage[];
    }
  | {
      readonly way: 'polling';
      readonly query: string;
      /** Whether a session is opened first. Otherwise its `sid` is invented. */
      readonly isOpened: boolean;
      readonly method: string;
      readonly type: string;
      readonly packets: readonly Packet[];
      readonly damages: readonly Damage[];
    };

const QUERIES = [
  'EIO=4&transport=polling&sid=:sid',
  'EIO=4&transport=polling&sid=:sid&t=abc&b64=1&j=0',
  'EIO=3&transport=polling&sid=:sid',
  'EIO=3&transport=polling',
  'EIO=4&transport=polling',
  'EIO=4&transport=websocket&sid=:sid',
  'EIO=4&transport=webtransport&sid=:sid',
  'EIO=4&transport=__proto__',
  'EIO=4&transport=constructor&sid=:sid',
  'EIO=4&EIO=3&transport=polling&transport=polling&sid=:sid',
  'EIO=&transport=&sid=',
  'sid[]=:sid&EIO=4&transport[a]=polling',
  'EIO=4&transport=polling&sid=:sid&sid=:sid',
  'EIO=4&transport=polling&sid=__proto__',
  '',
];

const socketIoInput: fc.Arbitrary<SocketIoInput> = fc.oneof(
  fc.record({
    way: fc.constant('websocket' as const),
    handshake,
    packets: fc.array(fc.record({ frame: frameHead, packet }), { maxLength: 6 }),
    damages,
  }),
  fc.record({
    way: fc.constant('polling' as const),
    query: fc.oneof({ weight: 2, arbitrary: fc.constant(QUERIES[0] ?? '') }, fc.constantFrom(...QUERIES)),
    isOpened: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
    method: fc.oneof({ weight: 6, arbitrary: fc.constant('POST') }, fc.constantFrom('GET', 'OPTIONS', 'PUT', 'DELETE')),
    type: fc.constantFrom('text/plain;charset=UTF-8', 'application/octet-stream', 'application/x-www-form-urlencoded', ''),
    packets: fc.array(packet, { maxLength: 6 }),
    damages,
  }),
);

const SEPARATOR = '\x1e';

export function socketIoEdge(stage: Pick<Stage, 'target' | 'planted'> & { readonly port: () => number }): Edge<SocketIoInput> {
  const { target, planted } = stage;
  const named = (text: string): string =>
    text.replaceAll(':ticket', target.ticket).replaceAll(':planted', planted).replaceAll(':id', target.sessionId);
  function textOf({ nth, json, suffix }: Packet): string {
    const { head = '', json: carried } = PACKETS[nth] ?? {};
    return head + (carried === undefined ? '' : named(changedJson(carried, json))) + render(suffix);
  }
  const listOf = (packets: readonly Packet[]): string =>
    packets.flatMap((one) => Array.from({ length: one.times }, () => textOf(one))).join(SEPARATOR);

  async function poll(input: Extract<SocketIoInput, { way: 'polling' }>): Promise<Seen> {
    const port = stage.port();
    const request = (method: string, query: string, type: string, body: string): string => {
      const lines = [`${method} /socket.io/?${query} HTTP/1.1`, 'Host: x', 'Connection: close'];
      if (type !== '') lines.push(`Content-Type: ${type}`);
      if (body !== '' || method === 'POST') lines.push(`Content-Length: ${body.length}`);
      return `${lines.join('\r\n')}\r\n\r\n${body}`;
    };
    let sid = 'AAAAAAAAAAAAAAAAAAAA';
    if (input.isOpened) {
      const opened = await exchangeRaw(port, [request('GET', 'EIO=4&transport=polling', '', '')]);
      sid = /"sid":"([^"]+)"/.exec(opened.text)?.[1] ?? sid;
    }
    const query = input.query.replaceAll(':sid', sid);
    const sent = await exchangeRaw(port, [request(input.method, query, input.type, damaged(listOf(input.packets), input.damages))]);
    if (!input.isOpened) return sent;
    // Reads the answer, and ends the session, which answers a held poll. So nothing is left behind.
    const [told, ended] = await Promise.all([
      exchangeRaw(port, [request('GET', `EIO=4&transport=polling&sid=${sid}`, '', '')]),
      exchangeRaw(port, [request('POST', `EIO=4&transport=polling&sid=${sid}`, 'text/plain', '1')]),
    ]);
    return join([sent, told, ended]);
  }

  return {
    name: 'Socket.IO',
    input: socketIoInput,
    async send(input) {
      if (input.way === 'polling') return poll(input);
      const frames = input.packets.map(({ frame, packet: one }) => frameOf(frame, textOf(one)).repeat(Math.min(one.times, 300)));
      const path = '/socket.io/?EIO=4&transport=websocket';
      return withoutPongs(
        await exchangeRaw(stage.port(), [handshakeOf(path, '', input.handshake), damaged(frames.join(''), input.damages)]),
      );
    },
  };
}

const join = (all: readonly Seen[]): Seen => ({
  statuses: all.flatMap(({ statuses }) => statuses),
  text: all.map(({ text }) => text).join('\n'),
  isSettled: all.every(({ isSettled }) => isSettled),
});
