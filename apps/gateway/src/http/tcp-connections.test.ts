import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import { trackConnections } from './tcp-connections.ts';

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
  readonly closed: Promise<void>;
  /** Resolves when something came. */
  ask(path: string, headers?: string, body?: string): Promise<void>;
  send(path: string, headers?: string, body?: string): void;
}

const OTHER = '127.0.0.2'; // Linux owns all of 127.0.0.0/8

async function open(localAddress = '127.0.0.1'): Promise<Client> {
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  clients.push(socket);
  socket.on('error', () => undefined); // cut
  let cut = false;
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      cut = true;
      resolve();
    });
  });
  await once(socket, 'connect');
  const send = (path: string, headers = '', body = ''): void =>
    void socket.write(`${body === '' ? 'GET' : 'POST'} ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`);
  return {
    isCut: () => cut,
    closed,
    send,
    async ask(path, headers, body) {
      send(path, headers, body);
      await once(socket, 'data');
    },
  };
}

it('cuts those that have been idle longest, but none that waits for an answer or was upgraded', async () => {
  const { held } = await serve(4);
  const upgraded = await open();
  await upgraded.ask('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n');
  const waiting = await open();
  waiting.send('/held');
  const [early, late] = [await open(), await open()];
  await late.ask('/');
  await early.ask('/');
  // So the later one is no longer the one that has been idle longest.
  while (held.length === 0) await late.ask('/');
  await early.ask('/');
  const fifth = await open();
  await fifth.ask('/');
  expect([upgraded, waiting, early, late, fifth].map(({ isCut }) => isCut())).toEqual([false, false, false, true, false]);
  const sixth = await open();
  await sixth.ask('/');
  expect([upgraded, waiting, early, fifth, sixth].map(({ isCut }) => isCut())).toEqual([false, false, true, false, false]);
});

it('cuts one whose body does not come, but not one that waits for the answer to its body', async () => {
  const { held } = await serve(2);
  const [waiting, endless] = [await open(), await open()];
  // Some clients declare this with every request.
  waiting.send('/held', 'Transfer-Encoding: chunked\r\n');
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
  endless.send('/', 'Content-Length: 5\r\n', 'x');
  const third = await open();
  await third.ask('/');
  expect([waiting, endless, third].map(({ isCut }) => isCut())).toEqual([false, true, false]);
  await third.ask('/', 'Content-Length: 5\r\n', '12345');
});

/** Resolves when the server has accepted all of them. */
async function burst(count: number, from: string): Promise<void> {
  let taken = 0;
  const all = new Promise<void>((resolve) => server.on('connection', () => ++taken === count && resolve()));
  await Promise.all([all, ...Array.from({ length: count }, () => open(from))]);
}

const countOpen = (): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))));

it.each([
  ['leaves alone one of another address than the many', OTHER, false],
  ['(twin) cuts it as the longest idle where all have one address', '127.0.0.1', true],
])('%s', async (_what, from, isLost) => {
  await serve(4);
  const lone = await open();
  await lone.ask('/');
  await burst(50, from);
  expect(await countOpen()).toBe(4);
  await Promise.race([lone.closed, isLost ? lone.closed : lone.ask('/')]);
  expect(lone.isCut()).toBe(isLost);
});

it('cuts a connection of the address with most idle ones, not of the one with most connections', async () => {
  const { held } = await serve(5);
  const waiting = [await open(OTHER), await open(OTHER), await open(OTHER)];
  for (const one of waiting) one.send('/held');
  while (held.length < waiting.length) await new Promise((resolve) => setImmediate(resolve));
  const [first, second, third] = [await open(), await open(), await open(OTHER)];
  await first.closed;
  for (const one of [second, third]) await one.ask('/');
  expect([...waiting, second, third].some(({ isCut }) => isCut())).toBe(false);
});

it('cuts none below the bound', async () => {
  await serve(4);
  const all = [await open(), await open(), await open(), await open()];
  for (const one of all) await one.ask('/');
  expect(all.some(({ isCut }) => isCut())).toBe(false);
});
