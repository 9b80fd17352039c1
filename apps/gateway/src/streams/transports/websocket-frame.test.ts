import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { textFrame } from './websocket-frame.ts';

let http: Server;
let socket: Duplex;
let client: WebSocket;
beforeAll(async () => {
  http = createServer();
  const server = new WebSocketServer({ noServer: true });
  const upgraded = new Promise<Duplex>((resolve) =>
    http.on('upgrade', (request, raw, head) => server.handleUpgrade(request, raw, head, () => resolve(raw))),
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`); // it listens on TCP
  socket = await upgraded;
});
afterAll(async () => {
  client.terminate();
  socket.destroy();
  await new Promise((resolve) => http.close(resolve));
});

/** What the client reads. */
const read = (count: number): Promise<string[]> =>
  new Promise((resolve, reject) => {
    const texts: string[] = [];
    const onMessage = (data: Buffer, isBinary: boolean): void => {
      if (isBinary) reject(new Error('expected a text'));
      if (texts.push(String(data)) < count) return;
      client.off('message', onMessage);
      resolve(texts);
    };
    client.on('message', onMessage);
  });

it.each([0, 1, 125, 126, 127, 65_535, 65_536, 200_000])('a text of %i bytes is read as it was', async (length) => {
  const text = 'x'.repeat(length);
  const texts = read(1);
  socket.write(textFrame([text]));
  expect(await texts).toEqual([text]);
});

it('counts bytes, not characters, and writes one frame after another', async () => {
  const all = ['é'.repeat(63), 'я'.repeat(32_768), '😀'.repeat(50), '', 'last'];
  const texts = read(all.length);
  for (const text of all) socket.write(textFrame([text]));
  expect(await texts).toEqual(all);
});
