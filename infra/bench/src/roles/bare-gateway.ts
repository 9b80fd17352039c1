/** The same libraries without any guarantees: ioredis subscriptions into Socket.IO rooms. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Releasers } from '@qrcast/runtime/releasers';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { serveRole } from '../role-process.ts';

export type BareGatewayMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  return {
    async start(redisUrl: string): Promise<{ url: string }> {
      const redis = new Redis(redisUrl);
      releasers.push('redis', () => redis.disconnect());
      const http = createServer();
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
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
      return { url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}` }; // it listens on TCP
    },
  };
}

serveRole(createMethods);
