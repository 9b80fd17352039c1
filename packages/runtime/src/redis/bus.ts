/**
 * Redis pub/sub as a wake-up signal: one subscription per channel for all its handlers. On one
 * server it is server-bus.ts, on a cluster cluster-bus.ts.
 */

import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import type { Meters } from '../metrics/meters.ts';
import type { Connections } from './connections.ts';
import type { Namespace } from './keys.ts';
import type { RedisClient } from './redis-client.ts';

export interface Bus {
  /**
   * Returns the function that ends the subscription, which is idempotent. A message is a view of a
   * larger chunk: who keeps it keeps the chunk.
   */
  subscribe(channel: string, onMessage: (message: Buffer) => void): () => void;
  /**
   * Calls `read` so that it is answered after the subscription to the channel has begun. `redis`
   * leads to where the channel's session is.
   */
  readAfter<T>(channel: string, read: (redis: RedisClient) => Promise<T>): Promise<T>;
  /** Resolves when all subscriptions made so far have begun. */
  begun(): Promise<unknown>;
  /**
   * Calls back after subscriptions had ended and have begun again. `isAffected` says of which
   * channels messages may have been missed. Returns the function that ends this.
   */
  onReset(listener: (isAffected: (channel: string) => boolean) => void): () => void;
  /** Resolves when a message published now has come back. Rejects after `timeoutMs`. */
  probe(timeoutMs: number): Promise<void>;
  /** The connections of the subscriptions. */
  connections(): readonly Redis[];
  close(): Promise<void>;
}

export interface BusDeps {
  /** A `commands` connection, which publishes the probes. */
  readonly redis: RedisClient;
  readonly connections: Pick<Connections, 'openSubscriber' | 'watchOptions'>;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly meters: Meters;
}
