/**
 * Many malicious clients: requests that begin and never end, and handshakes that cannot succeed.
 */

import { connect, type Socket } from 'node:net';
import type { Releasers } from '@qrcast/runtime/releasers';
import { pace } from '../pace.ts';
import { serveRole } from '../role-process.ts';

const HALVES: readonly string[] = [
  'GET /healthz HTTP/1.1\r\nHost: x\r\n',
  'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{',
  'GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n',
];
const DRIP_EVERY_MS = 1_000;
const TICK_MS = 10;
const BEGIN_WITHIN_S = 8;
const ADDRESSES = 50;
/** RFC 6455, 5.2: a client masks its frames. A mask of zeros leaves the text readable. */
const TEXT = 0x81;
const CLOSE = 0x88;
const MASKED = 0x80;
const LENGTH_IN_TWO_BYTES = 126;
const NO_MASK = Buffer.alloc(4);

export interface Shaken {
  /** Refused with a message, as they should be. */
  readonly refused: number;
  /** Not accepted at all, or cut off. */
  readonly failed: number;
}

export type FloodMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  releasers.push('half-open', () => void halfOpen?.stop());
  let url = '';
  let connections = 0;
  let halfOpen: HalfOpen | null = null;
  const reach: Reach = () =>
    connect({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress: `127.0.0.${2 + (connections++ % ADDRESSES)}` });

  return {
    /**
     * Resolves once `count` requests have begun. A request that is cut off begins again.
     *
     * @param gatewayUrl `ws://…`
     */
    async start(gatewayUrl: string, count: number): Promise<void> {
      url = gatewayUrl;
      halfOpen = openHalfOpen(reach);
      await halfOpen.begin(count);
    },

    /**
     * Makes handshakes that subscribe with `ticket`. Bare sockets write ready-made bytes: a client
     * library would use CPU time on the cores that the gateway shares.
     */
    async shake(ticket: string, perSecond: number, seconds: number): Promise<Shaken> {
      const words = handshakeOf(ticket);
      const shaken = { refused: 0, failed: 0 };
      const ends: Promise<void>[] = [];
      await pace(perSecond, seconds, () =>
        ends.push(isRefused(reach(), words).then((wasRefused) => void shaken[wasRefused ? 'refused' : 'failed']++)),
      );
      await Promise.all(ends);
      return shaken;
    },

    stop(): number {
      const cut = halfOpen?.stop() ?? 0;
      halfOpen = null;
      return cut;
    },
  };
}

/** Opens a connection to the gateway. Each comes from the next address. */
type Reach = () => Socket;

interface HalfOpen {
  /** Resolves once `count` requests have begun. */
  begin(count: number): Promise<void>;
  /** Returns the number of requests that the gateway had cut off. */
  stop(): number;
}

function openHalfOpen(reach: Reach): HalfOpen {
  const sockets = new Set<Socket>();
  let isOver = false;
  let cut = 0;
  const beginOne = (half: string): Promise<void> =>
    new Promise((resolve) => {
      const socket = reach();
      sockets.add(socket);
      socket.on('error', () => undefined).resume(); // it is meant to be cut off
      socket.once('connect', () => socket.write(half));
      socket.once('connect', resolve);
      socket.once('close', () => {
        sockets.delete(socket);
        if (isOver) return;
        cut++;
        void beginOne(half);
      });
    });
  const drips = setInterval(() => drip(sockets), TICK_MS);
  return {
    async begin(count) {
      let begun = 0;
      const beginnings: Promise<void>[] = [];
      await pace(count / BEGIN_WITHIN_S, BEGIN_WITHIN_S, () => beginnings.push(beginOne(HALVES[begun++ % HALVES.length] ?? '')));
      await Promise.all(beginnings);
    },
    stop() {
      isOver = true;
      clearInterval(drips);
      for (const socket of sockets) socket.destroy();
      return cut;
    },
  };
}

/**
 * Sends a byte on those whose turn it is. Each sends at its own moments, as many machines do. A
 * thousand at once would measure this process.
 */
function drip(sockets: Set<Socket>): void {
  const due = Math.ceil((sockets.size * TICK_MS) / DRIP_EVERY_MS);
  for (const socket of [...sockets].slice(0, due)) {
    sockets.delete(socket);
    sockets.add(socket); // until the line ends
    if (socket.writable) socket.write('x');
  }
}

function handshakeOf(ticket: string): Buffer {
  return Buffer.concat([
    Buffer.from(
      'GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: qrcast.v1\r\n\r\n',
    ),
    maskedFrame(TEXT, JSON.stringify({ type: 'subscribe', ticket })),
  ]);
}

/** Resolves once the connection has ended: whether the gateway refused the handshake with a message. */
function isRefused(socket: Socket, handshake: Buffer): Promise<boolean> {
  let wasRefused = false;
  socket.once('connect', () => socket.write(handshake));
  socket.on('error', () => undefined); // 'close' follows
  socket.on('data', (heard) => {
    if (wasRefused || !heard.includes('unauthenticated')) return;
    wasRefused = true;
    socket.end(maskedFrame(CLOSE, ''));
  });
  return new Promise((resolve) => socket.once('close', () => resolve(wasRefused)));
}

/** @returns the frame of a message of at most 64 KiB */
function maskedFrame(opcode: number, text: string): Buffer {
  const body = Buffer.from(text);
  const length = body.length < LENGTH_IN_TWO_BYTES ? [body.length] : [LENGTH_IN_TWO_BYTES, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([opcode, MASKED | (length[0] ?? 0), ...length.slice(1)]), NO_MASK, body]);
}

serveRole(createMethods);
