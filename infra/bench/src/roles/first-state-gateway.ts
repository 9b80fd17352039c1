/**
 * The programs of `bare-gateway.ts` (over WebSocket) and `stock-gateway.ts`, for the cost of a
 * connect: they also read the stored state of the session from Redis, and send it first. They check
 * nothing: whoever names a session may watch it.
 */

import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Releasers } from '@qrcast/runtime/releasers';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { type WebSocket, WebSocketServer } from 'ws';
import { createReadyMessages } from '../ready-message.ts';
import { serveRole } from '../role-process.ts';
import type { Over } from '../viewer-socket.ts';

export type FirstStateGatewayMethods = ReturnType<typeof createMethods>;

/** A connection that has subscribed can do nothing else. */
interface Connections {
  readonly reader: Redis;
  readonly subscriber: Redis;
}

function createMethods(releasers: Releasers) {
  const messages = createReadyMessages();
  let stored = 0;
  let reader: Redis | null = null;
  return {
    async start(redisUrl: string, over: Over): Promise<{ url: string }> {
      reader = new Redis(redisUrl, { enableAutoPipelining: true });
      const connections = { reader, subscriber: new Redis(redisUrl) };
      for (const redis of Object.values(connections)) releasers.push('redis', () => redis.disconnect());
      const http = createServer();
      if (over === 'WebSocket') openWebSockets(http, connections, releasers);
      else openSocketIo(http, connections, releasers);
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
      return { url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}` }; // it listens on TCP
    },

    /** Stores the states of so many new sessions. Resolves to the name of each, which is its key and its ticket. */
    async store(count: number): Promise<readonly string[]> {
      const names = Array.from({ length: count }, () => `session:${++stored}`);
      await Promise.all(names.map((name, index) => reader?.set(name, messages.stateText(index + 1))));
      return names;
    },
  };
}

function openSocketIo(http: HttpServer, { reader, subscriber }: Connections, releasers: Releasers): void {
  const io = new Server(http, { adapter: createAdapter(reader, subscriber) });
  releasers.push('socket.io', () => io.close());
  io.on('connection', (socket) => {
    const name = String(socket.handshake.auth['ticket']);
    void socket.join(name);
    void reader.get(name).then((text) => socket.emit('session', JSON.parse(text ?? 'null')));
  });
}

/** As `bare-gateway.ts`, except that the subscription of Redis ends with the last viewer. */
function openWebSockets(http: HttpServer, { reader, subscriber }: Connections, releasers: Releasers): void {
  const server = new WebSocketServer({ server: http });
  releasers.push('http', () => new Promise((resolve) => http.close(() => resolve())));
  releasers.push('websockets', () => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  const rooms = new Map<string, Set<WebSocket>>();
  subscriber.on('message', (name: string, text: string) => {
    for (const socket of rooms.get(name) ?? []) socket.send(frameOf(text));
  });
  server.on('connection', (socket) => {
    socket.once('message', (data: Buffer) => {
      const { ticket: name } = JSON.parse(String(data)) as { readonly ticket: string };
      const room = rooms.get(name) ?? new Set();
      rooms.set(name, room.add(socket));
      socket.once('close', () => {
        room.delete(socket);
        if (room.size === 0 && rooms.delete(name)) void subscriber.unsubscribe(name);
      });
      void Promise.all([subscriber.subscribe(name), reader.get(name)]).then(([, text]) => {
        socket.send('{"type":"ok"}');
        socket.send(frameOf(text ?? 'null'));
      });
    });
  });
}

function frameOf(text: string): string {
  return `{"type":"session","session":${text}}`;
}

serveRole(createMethods);
