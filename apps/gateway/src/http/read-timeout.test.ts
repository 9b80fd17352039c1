import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { cutUnreadAnswers } from './read-timeout.ts';

/** More than a kernel buffers for a connection. */
const LARGE = Buffer.alloc(64 * 1024 * 1024, 'x');
const SHORT_MS = 150;

let server: Server;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function serve(answer: (response: ServerResponse, url: string) => void, readWithinMs = SHORT_MS): Promise<void> {
  server = createServer((request, response) => answer(response, request.url ?? ''));
  cutUnreadAnswers(server, readWithinMs);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

function ask(...paths: readonly string[]): Socket {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1'); // it listens on TCP
  sockets.push(socket);
  socket.on('error', () => undefined); // cut
  for (const path of paths) socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return socket;
}

/** Long enough for the kernel to accept a small answer, on any machine. */
const AMPLE_MS = 1_500;

/**
 * Resolves to 'cut' when the answer is destroyed unread, or to 'waits' if it is still there after
 * three times the short time.
 */
async function fateOfUnread(readWithinMs: number): Promise<string> {
  const begun = Promise.withResolvers<ServerResponse>();
  await serve((response) => {
    response.end(LARGE);
    begun.resolve(response);
  }, readWithinMs);
  ask('/').pause();
  const response = await begun.promise;
  const cut = new Promise<string>((resolve) => response.once('close', () => resolve(response.writableFinished ? 'read' : 'cut')));
  if (readWithinMs === SHORT_MS) return cut;
  return Promise.race([cut, new Promise<string>((resolve) => setTimeout(() => resolve('waits'), SHORT_MS * 3))]);
}

it('cuts an answer that is not read', async () => {
  expect(await fateOfUnread(SHORT_MS)).toBe('cut');
});

it('(twin) waits without the limit', async () => {
  expect(await fateOfUnread(60_000)).toBe('waits');
});

it('does not cut an answer that takes long to make, one that waits behind it, or one that was read', async () => {
  const served: string[] = [];
  await serve((response, url) => {
    response.once('close', () => served.push(`${url} ${response.writableFinished}`));
    if (url === '/held') setTimeout(() => response.end('late'), AMPLE_MS * 2);
    else response.end(url);
  }, AMPLE_MS);
  const socket = ask('/held', '/behind', '/last');
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.includes('/last')) break;
  }
  expect(text).toMatch(/late[\s\S]*\/behind[\s\S]*\/last/);
  expect(served.slice(0, 2)).toEqual(['/held true', '/behind true']);
});

it('sets no timer for an answer that is made after its caller has gone', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const asked = Promise.withResolvers<ServerResponse>();
    await serve((response) => asked.resolve(response));
    const socket = ask('/');
    const response = await asked.promise;
    const closed = once(response, 'close');
    socket.destroy();
    await closed;
    response.end('late');
    await new Promise(setImmediate);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
