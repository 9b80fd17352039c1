/** The options of a Socket.IO server with the adapter for Redis streams. Gateway and publisher have the same. */

import { createAdapter } from '@socket.io/redis-streams-adapter';
import type { Redis } from 'ioredis';
import type { ServerOptions } from 'socket.io';

/** `pubsub`: @socket.io/redis-adapter. `streams`: @socket.io/redis-streams-adapter. */
export type StockAdapter = 'pubsub' | 'streams';

/** As in the documentation of Socket.IO. */
const RECOVERY_MS = 2 * 60 * 1_000;

export function streamsOptions(redis: Redis): Partial<ServerOptions> {
  return { adapter: createAdapter(redis), connectionStateRecovery: { maxDisconnectionDuration: RECOVERY_MS, skipMiddlewares: false } };
}
