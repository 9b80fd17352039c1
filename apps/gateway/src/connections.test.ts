import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import { trackConnections } from './connections.ts';

let server: Server;
const clients: Socket[] = [];
const upgradedSockets: Duplex[] = [];
afterEach(async () => {
  for (const socket of [...clients.splice(0), ...upgradedSockets.splice(0)]) socket.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** `/held` is answered by the test. */
async function serve(max: number): Promise<{ held: ServerResponse[] }> {
  const held: ServerResponse[] = [];
  server = createServer((request, response) => {
    if (request.url === '/held') held.push(response);
    else request.resume().once('end', () => response.end('ok'));
  });
  server.on('upgrade', (_request, socket) => {
    upgradedSockets.push(socket);
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  });
  trackConnections(server, max);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { held };
}

interface Client {
  readonly isCut: () => boolean;
  /** Resolves when something came. */
  ask(path: string, headers?: string, body?: string): Promise<void>;
  send(path: string, headers?: string, body?: string): void;
}

async function open(): Promise<Client> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1'); // it listens on TCP
  clients.push(socket);
  socket.on('error', () => undefined); // cut
  let cut = false;
  socket.once('close', () => {
    cut = true;
  });
  await once(socket, 'connect');
  const send = (path: string, headers = '', body = ''): void =>
    void socket.write(`${body === '' ? 'GET' : 'POST'} ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`);
  return {
    isCut: () => cut,
    send,
    async ask(path, headers, body) {
      send(path, headers, body);
      await once(socket, 'data');
    },
  };
}

it('cuts those that have been idle for longest, and neither who waits for an answer nor who was upgraded', async () => {
  const { held } = await serve(4);
  const upgraded = await open();
  await upgraded.ask('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n');
  const waiting = await open();
  waiting.send('/held');
  const [early, late] = [await open(), await open()];
  await late.ask('/');
  await early.ask('/');
  while (held.length === 0) await late.ask('/'); // and so the later one is idle for longest no more
  await early.ask('/');
  const fifth = await open();
  await fifth.ask('/');
  expect([upgraded, waiting, early, late, fifth].map(({ isCut }) => isCut())).toEqual([false, false, false, true, false]);
  const sixth = await open();
  await sixth.ask('/');
  expect([upgraded, waiting, early, fifth, sixth].map(({ isCut }) => isCut())).toEqual([false, false, true, false, false]);
});

it('cuts one whose body does not come, and not one that waits for the answer to its own', async () => {
  const { held } = await serve(2);
  const [waiting, endless] = [await open(), await open()];
  waiting.send('/held', 'Transfer-Encoding: chunked\r\n'); // some clients say so with every request
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
  endless.send('/', 'Content-Length: 5\r\n', 'x');
  const third = await open();
  await third.ask('/');
  expect([waiting, endless, third].map(({ isCut }) => isCut())).toEqual([false, true, false]);
  await third.ask('/', 'Content-Length: 5\r\n', '12345');
});

it('lets them be below the bound', async () => {
  await serve(4);
  const all = [await open(), await open(), await open(), await open()];
  for (const one of all) await one.ask('/');
  expect(all.some(({ isCut }) => isCut())).toBe(false);
});
