/**
 * For tests: hostile clients in large numbers. They come from loopback addresses that no other
 * client uses.
 */

import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';

const HALVES: readonly string[] = [
  'GET /healthz HTTP/1.1\r\nHost: x\r\n',
  'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{',
  'GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n',
  'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n',
];
const ADDRESSES = 50;
const DRIP_EVERY_MS = 500;

const addressOf = (index: number): string => `127.0.0.${2 + (index % ADDRESSES)}`; // Linux has the whole 127.0.0.0/8

/** Begins requests that go on byte by byte and never end. Returns what ends them. */
export async function openSlowLoris(port: number, count: number): Promise<() => void> {
  const sockets = await Promise.all(
    Array.from({ length: count }, async (_, i): Promise<Socket> => {
      const socket = connect({ port, host: '127.0.0.1', localAddress: addressOf(i) });
      socket.on('error', () => undefined).resume(); // they are meant to be cut
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.write(HALVES[i % HALVES.length] ?? '');
      return socket;
    }),
  );
  const drip = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write('x');
  }, DRIP_EVERY_MS);
  return () => {
    clearInterval(drip);
    for (const socket of sockets) socket.destroy();
  };
}

/**
 * Opens streams on `/v1/ws`, each with the given ticket. Resolves to the number of ends by their
 * reason.
 */
export async function floodHandshakes(
  url: string,
  count: number,
  atOnce: number,
  ticket: string,
): Promise<Readonly<Record<string, number>>> {
  const ends: Record<string, number> = {};
  let begun = 0;
  async function lane(): Promise<void> {
    while (begun < count) {
      const raw = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, 'qrcast.v1', { localAddress: addressOf(begun++) });
      raw.on('error', () => undefined); // its close follows
      raw.once('open', () => raw.send(JSON.stringify({ type: 'subscribe', ticket })));
      const end = await new Promise<string>((resolve) => raw.once('close', (code, reason) => resolve(String(reason) || String(code))));
      ends[end] = (ends[end] ?? 0) + 1;
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane));
  return ends;
}
