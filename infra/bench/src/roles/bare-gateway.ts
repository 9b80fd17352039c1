/**
 * The same libraries without any guarantees: ioredis subscriptions into Socket.IO rooms, or into
 * plain WebSockets.
 */

import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Releasers } from '@qrcast/runtime/releasers';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { type WebSocket, WebSocketServer } from 'ws';
import { serveRole } from '../role-process.ts';
import type { Over } from '../viewer-socket.ts';

export type BareGatewayMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  return {
    async start(redisUrl: string, over: Over = 'Socket.IO'): Promise<{ url: string }> {
      const redis = new Redis(redisUrl);
      releasers.push('redis', () => redis.disconnect());
      const http = createServer();
      if (over === 'WebSocket') openWebSockets(http, redis, releasers);
      else openRooms(http, redis, releasers);
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
      return { url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}` }; // it listens on TCP
    },
  };
}

function openRooms(http: HttpServer, redis: Redis, releasers: Releasers): void {
  const io = new Server(http);
  releasers.push('socket.io', () => io.close());
  redis.on('message', (channel: string, text: string) => {
    const message = JSON.parse(text) as { state?: string };
    io.to(channel).emit(message.state === undefined ? 'fresh' : 'session', message);
  });
  io.use((socket, next) => {
    const channel = String(socket.handshake.auth['ticket']);
    void socket.join(channel);
    redis.subscribe(channel).then(() => next(), next);
  });
}

/** It does not even parse what it passes on. */
function openWebSockets(http: HttpServer, redis: Redis, releasers: Releasers): void {
  const server = new WebSocketServer({ server: http });
  releasers.push('http', () => new Promise((resolve) => http.close(() => resolve())));
  releasers.push('websockets', () => server.close());
  const rooms = new Map<string, Set<WebSocket>>();
  redis.on('message', (channel: string, text: string) => {
    const bytes = Buffer.from(text.includes('"state":') ? `{"type":"session","session":${text}}` : `{"type":"fresh",${text.slice(1)}`);
    for (const socket of rooms.get(channel) ?? []) socket.send(bytes, { binary: false });
  });
  server.on('connection', (socket) => {
    socket.once('message', (data: Buffer) => {
      const { ticket } = JSON.parse(String(data)) as { readonly ticket: string };
      rooms.set(ticket, (rooms.get(ticket) ?? new Set()).add(socket));
      socket.once('close', () => rooms.get(ticket)?.delete(socket));
      void redis.subscribe(ticket).then(() => socket.send('{"type":"ok"}'));
    });
  });
}

serveRole(createMethods);
