/**
 * Redis pub/sub as a wake-up signal: one connection per process, and one subscription per channel
 * for all its handlers.
 *
 * A subscription can fail silently (a half-open connection, a server that dropped it). So the bus
 * sends itself probes through Redis, and reconnects when they stop coming back. After every
 * reconnect, `onReset` says that messages may have been missed.
 */

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { type Namespace, probeChannel } from './keys.ts';
import { connectRedis, disconnectRedis } from './redis.ts';

export interface Bus {
  /**
   * The connection of the subscriptions. A read sent after `subscribe` is answered after the
   * subscription began (RESP3).
   */
  readonly connection: Redis;
  /** Returns the function that ends the subscription, which is idempotent. */
  subscribe(channel: string, onMessage: (message: string) => void): () => void;
  /**
   * Calls back after each reconnect, when all subscriptions have begun again. Returns the function
   * that ends this.
   */
  onReset(listener: () => void): () => void;
  /** Resolves when a message published now has come back. Rejects after `timeoutMs`. */
  probe(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

interface BusDeps {
  /** A `commands` connection, which publishes the probes. */
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly probeEveryMs?: number;
}

/** A silent subscription is noticed within two of these. */
const PROBE_EVERY_MS = 5_000;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: subscriptions, resets and probes share one connection and its state.
export function openBus({ redis, redisUrl, namespace, log, probeEveryMs = PROBE_EVERY_MS }: BusDeps): Bus {
  const connection = connectRedis(redisUrl, 'subscriber', log);
  const handlers = new Map<string, Set<(message: string) => void>>();
  const resetListeners = new Set<() => void>();
  const probes = new Map<string, () => void>();
  const ownChannel = probeChannel(namespace, randomUUID());
  let connectedOnce = false;
  let closed = false;

  connection.on('message', (channel: string, message: string) => {
    for (const handle of handlers.get(channel) ?? []) deliver(handle, message);
  });
  connection.on('ready', () => {
    if (connectedOnce) for (const listener of resetListeners) listener();
    connectedOnce = true;
  });

  /**
   * An older version, or anybody with access to Redis, can publish anything. That must not end the
   * process.
   */
  function deliver(handle: (message: string) => void, message: string): void {
    try {
      handle(message);
    } catch {
      log.warn('a published message could not be used; the next read of the record makes up for it'); // its text may hold anything, so it is not logged
    }
  }

  function subscribe(channel: string, onMessage: (message: string) => void): () => void {
    const known = handlers.get(channel);
    const set = known ?? new Set();
    set.add(onMessage);
    if (known === undefined) {
      handlers.set(channel, set);
      connection.subscribe(channel).catch(() => undefined); // fails only while closing; after a lost connection ioredis subscribes again
    }
    return () => {
      if (!set.delete(onMessage) || set.size > 0 || handlers.get(channel) !== set) return;
      handlers.delete(channel);
      if (!closed) connection.unsubscribe(channel).catch(() => undefined); // fails only while closing
    };
  }

  async function probe(timeoutMs: number): Promise<void> {
    const nonce = randomUUID();
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        probes.set(nonce, resolve);
        timer = setTimeout(
          () => reject(new Error(`a message published through Redis did not come back within ${timeoutMs} ms`)),
          timeoutMs,
        );
        redis.publish(ownChannel, nonce).catch(reject);
      });
    } finally {
      clearTimeout(timer);
      probes.delete(nonce);
    }
  }

  subscribe(ownChannel, (nonce) => probes.get(nonce)?.());
  const timer = setInterval(() => {
    // A connection known to be broken is reconnecting already. The probe is for one that only seems
    // to work.
    if (connection.status !== 'ready' || redis.status !== 'ready') return;
    probe(probeEveryMs).catch(() => {
      if (closed || connection.status !== 'ready' || redis.status !== 'ready') return;
      log.warn('the Redis subscription went silent; reconnecting');
      connection.disconnect(true);
    });
  }, probeEveryMs);

  return {
    connection,
    subscribe,
    onReset(listener) {
      resetListeners.add(listener);
      return () => resetListeners.delete(listener);
    },
    probe,
    async close() {
      closed = true;
      clearInterval(timer);
      await disconnectRedis(connection);
    },
  };
}
