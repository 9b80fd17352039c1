/**
 * Publishes the ready-made messages of bare-publisher.ts as objects, because Socket.IO encodes them
 * itself: with the emitter of the adapter for PUBLISH, or, as there is none for streams, with a server
 * without clients. That server reads its own messages back and drops them.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import { Emitter } from '@socket.io/redis-emitter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { cannotPublish, createPublish, createReadyMessages, type Publish } from '../ready-message.ts';
import { serveRole } from '../role-process.ts';
import { type StockAdapter, streamsOptions } from '../stock-streams.ts';

export type StockPublisherMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  let publish = cannotPublish;
  return {
    /** Resolves to the room of each session. */
    async start(redisUrl: string, count: number, adapter: StockAdapter): Promise<readonly string[]> {
      const redis = new Redis(redisUrl, { enableAutoPipelining: true });
      releasers.push('redis', () => redis.disconnect());
      const io = adapter === 'streams' ? openServer(redis, releasers) : new Emitter(redis);
      const rooms = Array.from({ length: count }, (_, index) => `stock:${index}`);
      const messages = createReadyMessages();
      publish = createPublish(count, (index, version, isFresh) => {
        const room = io.to(rooms[index] ?? '');
        if (isFresh) room.emit('fresh', messages.fresh(version));
        else room.emit('session', messages.state(version));
      });
      return rooms;
    },
    publish: (...load: Parameters<Publish>): ReturnType<Publish> => publish(...load),
  };
}

function openServer(redis: Redis, releasers: Releasers): Server {
  const io = new Server(streamsOptions(redis));
  releasers.push('socket.io', () => io.close());
  return io;
}

serveRole(createMethods);
