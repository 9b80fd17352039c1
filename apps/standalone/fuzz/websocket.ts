/**
 * The edge of WebSocket frames: a handshake, then frames that no library writes. Socket.IO's
 * packets use the same frames.
 */

import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { type Damage, damaged, damages } from './bytes.ts';
import { exchangeRaw } from './raw-exchange.ts';
import type { Edge, Seen } from './run-edge.ts';
import type { Stage } from './stage.ts';
import { changedJson, hostileText, type JsonChange, jsonChange, render, type Text } from './values.ts';

/** What a client may send on `/v1/ws`. */
const FRAMES: readonly object[] = [
  { type: 'subscribe', ref: 1, ticket: ':ticket', after: 0, visible: true, formats: ['text'] },
  { type: 'subscribe', ref: 2, ticket: ':planted' },
  { type: 'unsubscribe', ref: 3, sessionId: ':id' },
  { type: 'visible', ref: 4, visible: false },
  { type: 'password', ref: 5, sessionId: ':id', password: ':planted' },
  { type: 'resume', ref: 6, sessionId: ':id' },
  { type: 'start_over', ref: 7, sessionId: ':id' },
  { type: 'ping', ref: 8 },
];

/** The head of a frame, and its fault. */
export interface FrameHead {
  readonly opcode: number;
  readonly isFinal: boolean;
  /** The three reserved bits. */
  readonly reserved: number;
  readonly isMasked: boolean;
  /** Overrides the length in the head. */
  readonly length: string | null;
}

const usual = { opcode: 1, isFinal: true, reserved: 0, isMasked: true, length: null };

export const frameHead: fc.Arbitrary<FrameHead> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(usual) },
  {
    weight: 2,
    arbitrary: fc.record({
      opcode: fc.constantFrom(1, 0, 2, 8, 9, 10, 3, 7, 11, 15),
      isFinal: fc.boolean(),
      reserved: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(7)),
      isMasked: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.boolean()),
      length: fc.option(
        fc.constantFrom('0', '1', '125', '126', '65535', '65536', '2147483648', '9223372036854775807', '18446744073709551615'),
      ),
    }),
  },
);

/** @param bytes latin1 */
export function frameOf({ opcode, isFinal, reserved, isMasked, length }: FrameHead, bytes: string): string {
  const told = length === null ? BigInt(bytes.length) : BigInt(length);
  const head = [(isFinal ? 0x80 : 0) | (reserved << 4) | opcode];
  const mask = isMasked ? 0x80 : 0;
  const wide = Buffer.alloc(8);
  wide.writeBigUInt64BE(told);
  if (told < 126n) head.push(mask | Number(told));
  else if (told < 65_536n) head.push(mask | 126, ...wide.subarray(6));
  else head.push(mask | 127, ...wide);
  if (!isMasked) return Buffer.from(head).toString('latin1') + bytes;
  const key = randomBytes(4);
  const masked = Buffer.from(bytes, 'latin1').map((byte, i) => byte ^ (key[i % 4] ?? 0));
  return Buffer.concat([Buffer.from(head), key, masked]).toString('latin1');
}

/** A pong repeats the data of its ping, as RFC 6455 requires. Only the sender gets it. */
export function withoutPongs(seen: Seen): Seen {
  const bodyAt = seen.text.indexOf('\r\n\r\n') + 4;
  const bytes = Buffer.from(seen.text.slice(bodyAt), 'latin1');
  const kept: string[] = [seen.text.slice(0, bodyAt)];
  for (let i = 0; i + 1 < bytes.length; ) {
    const short = (bytes[i + 1] ?? 0) & 0x7f;
    const from = i + (short === 127 ? 10 : short === 126 ? 4 : 2);
    if (from > bytes.length) break;
    const length = short === 127 ? Number(bytes.readBigUInt64BE(i + 2)) : short === 126 ? bytes.readUInt16BE(i + 2) : short;
    if (((bytes[i] ?? 0) & 0xf) !== 10) kept.push(bytes.toString('latin1', from, from + length));
    i = from + length;
  }
  return { ...seen, text: kept.join('\n') };
}

type Payload =
  | { readonly kind: 'frame'; readonly nth: number; readonly json: readonly JsonChange[] }
  | { readonly kind: 'text'; readonly text: Text }
  | { readonly kind: 'close'; readonly code: number; readonly reason: Text };

const payload: fc.Arbitrary<Payload> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('frame' as const),
      nth: fc.nat(FRAMES.length - 1),
      json: fc.array(jsonChange, { maxLength: 2 }),
    }),
  },
  fc.record({ kind: fc.constant('text' as const), text: hostileText }),
  fc.record({
    kind: fc.constant('close' as const),
    code: fc.constantFrom(1000, 0, 999, 1004, 1005, 1006, 1012, 1015, 2999, 4000, 65_535),
    reason: hostileText,
  }),
);

/** Headers of the handshake that are added to the right ones, or replace them. */
const HANDSHAKES: readonly string[] = [
  '',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; server_max_window_bits=8',
  'Sec-WebSocket-Extensions: permessage-deflate; a="',
  'Sec-WebSocket-Protocol: other, qrcast.v1',
  'Sec-WebSocket-Protocol: ,,',
  'Sec-WebSocket-Key: short',
  'Sec-WebSocket-Version: 8',
  'Origin: null',
  'Content-Length: 5',
  'Transfer-Encoding: chunked',
  'Upgrade: h2c',
  'Expect: 100-continue',
];

export interface Handshake {
  readonly headers: string;
  readonly suffix: Text;
}

const none: Text = { before: '', middle: '', after: '', times: 0 };

export const handshake: fc.Arbitrary<Handshake> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ headers: '', suffix: none }) },
  { weight: 1, arbitrary: fc.record({ headers: fc.constantFrom(...HANDSHAKES), suffix: fc.oneof(fc.constant(none), hostileText) }) },
);

export function handshakeOf(path: string, protocol: string, { headers, suffix }: Handshake): string {
  const lines = [
    `GET ${path}${render(suffix)} HTTP/1.1`,
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...(protocol === '' ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ...(headers === '' ? [] : [headers]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

interface WebSocketInput {
  readonly handshake: Handshake;
  readonly frames: readonly { readonly head: FrameHead; readonly payload: Payload; readonly times: number }[];
  readonly damages: readonly Damage[];
}

const webSocketInput: fc.Arbitrary<WebSocketInput> = fc.record({
  handshake,
  frames: fc.array(
    fc.record({
      head: frameHead,
      payload,
      times: fc.oneof({ weight: 8, arbitrary: fc.constant(1) }, fc.constantFrom(2, 20, 400)),
    }),
    { maxLength: 6 },
  ),
  damages,
});

export function webSocketEdge(stage: Pick<Stage, 'target' | 'planted'> & { readonly port: () => number }): Edge<WebSocketInput> {
  const { target, planted } = stage;
  const named = (text: string): string =>
    text.replaceAll(':ticket', target.ticket).replaceAll(':planted', planted).replaceAll(':id', target.sessionId);
  function bytesOf(one: Payload): string {
    switch (one.kind) {
      case 'frame':
        return named(changedJson(FRAMES[one.nth], one.json));
      case 'text':
        return render(one.text);
      case 'close':
        return String.fromCharCode(one.code >> 8, one.code & 0xff) + render(one.reason);
      default:
        return one satisfies never;
    }
  }
  return {
    name: 'WebSocket',
    input: webSocketInput,
    async send({ handshake: asked, frames, damages: wounds }) {
      const bytes = frames.map(({ head, payload: one, times }) => frameOf(head, bytesOf(one)).repeat(times)).join('');
      return withoutPongs(await exchangeRaw(stage.port(), [handshakeOf('/v1/ws', 'qrcast.v1', asked), damaged(bytes, wounds)]));
    },
  };
}
