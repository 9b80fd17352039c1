/**
 * Redis pub/sub as a wake-up line: one connection per process, one subscription per channel however many handlers.
 *
 * A subscription can die without a word (a half-open connection, a server that dropped it), so the bus sends itself a probe through Redis:
 * when probes stop coming back it reconnects. Whatever the reason for a new connection, `onReset` tells that messages may have been missed.
 */

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { type Namespace, probeChannel } from './keys.ts';
import { connectRedis, disconnectRedis } from './redis.ts';

export interface Bus {
  /** The subscription's own connection: a read sent after `subscribe` is answered after the subscription stands (RESP3). */
  readonly connection: Redis;
  /** Returns its undo, idempotent. */
  subscribe(channel: string, onMessage: (message: string) => void): () => void;
  /** After each reconnect, when all subscriptions stand again. Returns its undo. */
  onReset(listener: () => void): () => void;
  /** Resolves when a message published now has come back; rejects after `timeoutMs`. */
  probe(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

interface BusDeps {
  /** A `commands` connection: probes go out on it. */
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly probeEveryMs?: number;
}

/** A silent subscription is noticed within two of these. */
const PROBE_EVERY_MS = 5_000;

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

  /** Whoever may write to Redis, or an older version of ours, can publish anything: it must not end the process. */
  function deliver(handle: (message: string) => void, message: string): void {
    try {
      handle(message);
    } catch {
      log.warn('a published message could not be used; the next reading repairs what it told'); // its text may hold anything
    }
  }

  function subscribe(channel: string, onMessage: (message: string) => void): () => void {
    const known = handlers.get(channel);
    const set = known ?? new Set();
    set.add(onMessage);
    if (known === undefined) {
      handlers.set(channel, set);
      connection.subscribe(channel).catch(() => undefined); // only while closing; a lost connection subscribes again by itself
    }
    return () => {
      if (!set.delete(onMessage) || set.size > 0 || handlers.get(channel) !== set) return;
      handlers.delete(channel);
      if (!closed) connection.unsubscribe(channel).catch(() => undefined); // likewise
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
    // A connection that knows it is broken is reconnecting already; the probe is for one that does not.
    if (connection.status !== 'ready' || redis.status !== 'ready') return;
    probe(probeEveryMs).catch(() => {
      if (closed || connection.status !== 'ready' || redis.status !== 'ready') return;
      log.warn('the Redis subscription went silent; connecting anew');
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
