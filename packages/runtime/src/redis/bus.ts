/**
 * Redis pub/sub as a wake-up signal: one connection per process, and one subscription per channel
 * for all its handlers.
 *
 * A subscription can fail silently (a half-open connection, a server that dropped it). So the bus
 * sends itself messages through Redis, and its connection is replaced when they stop coming back.
 * After every reconnect, `onReset` says that messages may have been missed.
 */

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { UselessError } from './connection-watch.ts';
import type { Connections } from './connections.ts';
import { type Namespace, probeChannel } from './keys.ts';
import { disconnectRedis } from './redis.ts';
import { within } from './within.ts';

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
  readonly connections: Pick<Connections, 'open' | 'watchOptions'>;
  readonly namespace: Namespace;
  readonly log: Logger;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: subscriptions, resets and probes share one connection and its state.
export function openBus({ redis, connections, namespace, log }: BusDeps): Bus {
  const connection = connections.open('subscriber', { alsoProve: proveDelivery });
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

  /** Publishes a message to this bus, then awaits `received` of its coming back. */
  async function publishToSelf(received: (message: Promise<void>) => Promise<void>): Promise<void> {
    const nonce = randomUUID();
    const { promise, resolve } = Promise.withResolvers<void>();
    probes.set(nonce, resolve);
    try {
      await redis.publish(ownChannel, nonce);
      await received(promise);
    } finally {
      probes.delete(nonce);
    }
  }

  async function probe(timeoutMs: number): Promise<void> {
    await within(
      timeoutMs,
      publishToSelf((message) => message),
    ).catch((cause: unknown) => {
      throw new Error(`a message published through Redis did not come back within ${timeoutMs} ms`, { cause });
    });
  }

  /** Blames the subscription only if Redis has taken the message. */
  async function proveDelivery(): Promise<void> {
    await publishToSelf((message) =>
      within(connections.watchOptions.silentMs, message).catch(() => {
        throw new UselessError('no message');
      }),
    ).catch((error: unknown) => {
      if (error instanceof UselessError) throw error; // else the connection for commands is at fault, which has a watch of its own
    });
  }

  subscribe(ownChannel, (nonce) => probes.get(nonce)?.());

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
      await disconnectRedis(connection);
    },
  };
}
