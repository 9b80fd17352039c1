import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cutUnread } from './socketio-read-timeout.ts';

let http: HttpServer;
let io: Server;
beforeEach(async () => {
  http = createServer();
  io = new Server(http);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
});
afterEach(() => io.close());

/** A client that polls when the test says so, and its end of the server. */
async function connect(
  readWithinMs: number | null,
): Promise<{ conn: Socket['conn']; poll(): Promise<string>; sayAlive(): Promise<number> }> {
  const { port } = http.address() as AddressInfo; // it listens on TCP
  const path = `http://127.0.0.1:${port}/socket.io/?EIO=4&transport=polling`;
  const accepted = once(io.engine, 'connection') as Promise<[Socket['conn']]>;
  const { sid } = JSON.parse((await (await fetch(path)).text()).slice(1)) as { sid: string };
  const [conn] = await accepted;
  if (readWithinMs !== null) cutUnread(conn, () => conn.close(true), readWithinMs);
  return {
    conn,
    poll: async () => (await fetch(`${path}&sid=${sid}`)).text(),
    sayAlive: async () =>
      (await fetch(`${path}&sid=${sid}`, { method: 'POST', body: '3', headers: { 'content-type': 'text/plain' } })).status,
  };
}

it('cuts a client that answers heartbeats but does not fetch its messages', async () => {
  const { conn, sayAlive } = await connect(3_000); // long enough to answer a heartbeat before
  const closed = once(conn, 'close');
  conn.send('first');
  conn.send('second');
  expect(await sayAlive()).toBe(200);
  await closed;
});

it('(twin) without the bound keeps all the messages', async () => {
  const { conn, poll, sayAlive } = await connect(null);
  for (let n = 0; n < 500; n++) conn.send('x');
  for (let n = 0; n < 100; n++) expect(await sayAlive()).toBe(200);
  expect(conn.readyState).toBe('open');
  expect((await poll()).split('\x1e')).toHaveLength(500);
});

it('does not cut a client that fetches, or one without messages', async () => {
  const { conn, poll } = await connect(60_000);
  for (const text of ['one', 'two', 'three']) {
    conn.send(text);
    expect(await poll()).toBe(`4${text}`);
  }
  expect(conn.readyState).toBe('open');
});
