/**
 * Socket.IO with one of its adapters for Redis, as their documentation says, and a room for each
 * session. The adapter for streams comes with the recovery of lost connections, which it is made for.
 */

import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Releasers } from '@qrcast/runtime/releasers';
import { createAdapter as createPubSubAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { serveRole } from '../role-process.ts';
import { type StockAdapter, streamsOptions } from '../stock-streams.ts';

export type StockGatewayMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  return {
    async start(redisUrl: string, adapter: StockAdapter): Promise<{ url: string }> {
      const redis = new Redis(redisUrl);
      releasers.push('redis', () => redis.disconnect());
      const http = createServer();
      const io = adapter === 'streams' ? new Server(http, streamsOptions(redis)) : openPubSub(http, redis, releasers);
      releasers.push('socket.io', () => io.close());
      io.on('connection', (socket) => void socket.join(String(socket.handshake.auth['ticket'])));
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
      return { url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}` }; // it listens on TCP
    },
  };
}

function openPubSub(http: HttpServer, redis: Redis, releasers: Releasers): Server {
  const subscriber = redis.duplicate();
  releasers.push('subscriber', () => subscriber.disconnect());
  return new Server(http, { adapter: createPubSubAdapter(redis, subscriber) });
}

serveRole(createMethods);
