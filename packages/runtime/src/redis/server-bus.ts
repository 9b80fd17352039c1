/** The bus on one server, with one connection for all subscriptions. */

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Bus, BusDeps } from './bus.ts';
import { createChannelHandlers } from './channel-handlers.ts';
import { createEcho } from './echo.ts';
import { probeChannel } from './keys.ts';
import { disconnectRedis } from './redis.ts';

export function openServerBus({ redis, connections, namespace, log, meters }: BusDeps & { readonly redis: Redis }): Bus {
  const handlers = createChannelHandlers(log, meters);
  const ownChannel = probeChannel(namespace, randomUUID());
  const echo = createEcho((message) => redis.publish(ownChannel, message), meters);
  const connection = connections.openSubscriber({ alsoProve: () => echo.prove(connections.watchOptions.silentMs) });
  const resetListeners = new Set<Parameters<Bus['onReset']>[0]>();
  let connectedOnce = false;
  let closed = false;

  connection.on('messageBuffer', (channel, message) => handlers.deliver(String(channel), message));
  connection.on('ready', () => {
    if (connectedOnce) for (const listener of resetListeners) listener(() => true);
    connectedOnce = true;
  });

  function subscribe(channel: string, onMessage: (message: Buffer) => void): () => void {
    const begin = (): void => void connection.subscribe(channel).catch(() => undefined); // fails only while closing; after a lost connection ioredis subscribes again
    const end = (): void => {
      if (!closed) connection.unsubscribe(channel).catch(() => undefined); // fails only while closing
    };
    return handlers.add(channel, onMessage, begin, end);
  }
  subscribe(ownChannel, (message) => echo.received(String(message)));

  return {
    subscribe,
    readAfter: (_channel, read) => read(connection), // answered in the order in which it was sent (RESP3)
    begun: () => connection.ping(),
    onReset(listener) {
      resetListeners.add(listener);
      return () => resetListeners.delete(listener);
    },
    probe: echo.probe,
    connections: () => [connection],
    async close() {
      closed = true;
      await disconnectRedis(connection);
    },
  };
}
