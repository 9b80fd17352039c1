/** Clients that mean harm in numbers: requests that are begun and never end, and handshakes that are good for nothing. */

import { connect, type Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import type { Releasers } from '@qrcast/runtime/releasers';
import { WebSocket } from 'ws';
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
const SUBSCRIBE = JSON.stringify({ type: 'subscribe', ticket: 'no-ticket-of-ours' });

export interface Shaken {
  /** Refused as they should be. */
  readonly refused: number;
  /** Not even taken, or cut. */
  readonly failed: number;
}

export type FloodMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  let url = '';
  let connections = 0;
  let cut = 0;

  const target = () => ({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress: `127.0.0.${2 + (connections++ % ADDRESSES)}` });

  return {
    /** `gatewayUrl`: `ws://…`. Resolves when `halfOpen` requests are begun; what is cut is begun again. */
    async start(gatewayUrl: string, halfOpen: number): Promise<void> {
      url = gatewayUrl;
      const sockets = new Set<Socket>();
      let isOver = false;
      const begin = (half: string): Promise<void> =>
        new Promise((resolve) => {
          const socket = connect(target());
          sockets.add(socket);
          socket.on('error', () => undefined).resume(); // to be cut is what it is for
          socket.once('connect', () => socket.write(half));
          socket.once('connect', resolve);
          socket.once('close', () => {
            sockets.delete(socket);
            if (isOver) return;
            cut++;
            void begin(half);
          });
        });
      // Each on its own time, as those of many machines are: a thousand at the same moment would measure this process.
      const drips = setInterval(() => {
        const due = Math.ceil((sockets.size * TICK_MS) / DRIP_EVERY_MS);
        for (const socket of [...sockets].slice(0, due)) {
          sockets.delete(socket);
          sockets.add(socket); // to the end of the line
          if (socket.writable) socket.write('x');
        }
      }, TICK_MS);
      releasers.push('half-open', () => {
        isOver = true;
        clearInterval(drips);
        for (const socket of sockets) socket.destroy();
      });
      let begun = 0;
      const beginnings: Promise<void>[] = [];
      await pace(halfOpen / BEGIN_WITHIN_S, BEGIN_WITHIN_S, () => beginnings.push(begin(HALVES[begun++ % HALVES.length] ?? '')));
      await Promise.all(beginnings);
    },

    async shake(perSecond: number, seconds: number): Promise<Shaken> {
      const shaken = { refused: 0, failed: 0 };
      const ends: Promise<void>[] = [];
      await pace(perSecond, seconds, () => {
        const raw = new WebSocket(`${url}/v1/ws`, 'qrcast.v1', { localAddress: target().localAddress, perMessageDeflate: false });
        raw.on('error', () => undefined); // its close follows
        raw.once('open', () => raw.send(SUBSCRIBE));
        ends.push(
          new Promise((resolve) =>
            raw.once('close', (_code, reason) => {
              shaken[String(reason) === 'unauthenticated' ? 'refused' : 'failed']++;
              resolve();
            }),
          ),
        );
      });
      await Promise.all(ends);
      return shaken;
    },

    /** Half-open requests that the gateway has ended. */
    cut: (): number => cut,
  };
}

// The machines a flood comes from are not ours: its own work must not be missing where it arrives. It still sends what is due, on time.
setPriority(constants.priority.PRIORITY_LOW);
serveRole(createMethods);
