/**
 * The bus on a Redis Cluster. A channel has a slot, as a key has, and is subscribed at the master of
 * that slot. When slots move, or a master is replaced, the subscriptions follow.
 *
 * Where a channel belongs is learned in three ways: from the client's map of the slots, from a
 * master that refuses a subscription, and from each new map, with which all channels are compared.
 */

import { randomUUID } from 'node:crypto';
import type { Cluster } from 'ioredis';
import type { Bus, BusDeps } from './bus.ts';
import { createChannelHandlers } from './channel-handlers.ts';
import { keyAt, masterOfSlot, mastersOf, type NodeName, slotOf } from './cluster-client.ts';
import { probeChannel } from './keys.ts';
import { openShardSubscriber, type ShardSubscriber } from './shard-subscriber.ts';

/** A channel that somebody wants. */
interface Place {
  /** Null: no master is known for its slot. */
  shard: ShardSubscriber | null;
  /** Has a subscription ended since the handlers were called last? */
  isInterrupted: boolean;
  readonly begun: Promise<void>;
  readonly begin: () => void;
}

/** At most this often the map is asked for because of doubts. */
const DOUBT_EVERY_MS = 250;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: all events move channels between shards.
export function openClusterBus({ redis: cluster, connections, namespace, log }: BusDeps & { readonly redis: Cluster }): Bus {
  const handlers = createChannelHandlers(log);
  const shards = new Map<NodeName, ShardSubscriber>();
  const places = new Map<string, Place>();
  const resetListeners = new Set<Parameters<Bus['onReset']>[0]>();
  const id = randomUUID();
  let doubtTimer: NodeJS.Timeout | undefined;
  let closed = false;

  function shardOf(node: NodeName): ShardSubscriber {
    const known = shards.get(node);
    if (known !== undefined) return known;
    const shard = openShardSubscriber({
      node,
      connections,
      ownChannel: () => keyAt(cluster, node, (nth) => probeChannel(namespace, `${id}:{${node}:${nth}}`)),
      publish: (channel, message) => cluster.spublish(channel, message),
      onMessage: handlers.deliver,
      onBegun,
      onMoved(channels, to) {
        for (const channel of channels) leave(channel);
        if (to !== null) for (const channel of channels) place(channel, to);
        doubt(); // the next map places the rest
      },
      onDoubt: doubt,
    });
    shards.set(node, shard);
    return shard;
  }

  function onBegun(channels: readonly string[], isFirst: boolean): void {
    const interrupted = new Set<string>();
    for (const channel of channels) {
      const known = places.get(channel);
      if (known === undefined) continue;
      if (!isFirst || known.isInterrupted) interrupted.add(channel);
      known.isInterrupted = false;
      known.begin();
    }
    if (interrupted.size > 0) for (const listener of resetListeners) listener((channel) => interrupted.has(channel));
  }

  function place(channel: string, at: NodeName | undefined = masterOfSlot(cluster, slotOf(channel))): void {
    const known = places.get(channel);
    if (closed || known === undefined || at === undefined) return; // placed with the next map
    known.shard = shardOf(at);
    known.shard.add(channel);
  }

  function leave(channel: string): void {
    const known = places.get(channel);
    if (known === undefined) return;
    known.isInterrupted = true;
    known.shard?.remove(channel);
    known.shard = null;
  }

  /** Compares everything with a new map. */
  function followMap(): void {
    const masters = mastersOf(cluster);
    if (closed || masters.size === 0) return;
    for (const master of masters) shardOf(master);
    for (const [channel, { shard }] of places) {
      const master = masterOfSlot(cluster, slotOf(channel));
      if (master === undefined || shard?.node === master) continue;
      leave(channel);
      place(channel, master);
    }
    for (const [node, shard] of shards) {
      if (masters.has(node)) continue;
      shards.delete(node);
      void shard.close();
    }
  }

  function doubt(): void {
    doubtTimer ??= setTimeout(() => {
      doubtTimer = undefined;
      cluster.refreshSlotsCache((error) => {
        if (error && !closed) doubt();
      });
    }, DOUBT_EVERY_MS);
  }

  cluster.on('refresh', followMap);
  followMap();

  return {
    subscribe(channel, onMessage) {
      const begin = (): void => {
        const { promise, resolve } = Promise.withResolvers<void>();
        places.set(channel, { shard: null, isInterrupted: false, begun: promise, begin: resolve });
        place(channel);
      };
      const end = (): void => {
        leave(channel);
        places.delete(channel);
      };
      return handlers.add(channel, onMessage, begin, end);
    },
    async readAfter(channel, read) {
      await places.get(channel)?.begun;
      return read(cluster);
    },
    begun: () => Promise.all([...places.values()].map(({ begun }) => begun)),
    onReset(listener) {
      resetListeners.add(listener);
      return () => resetListeners.delete(listener);
    },
    async probe(timeoutMs) {
      await Promise.all([...shards.values()].map((shard) => shard.probe(timeoutMs)));
    },
    connections: () => [...shards.values()].map(({ connection }) => connection),
    async close() {
      closed = true;
      cluster.off('refresh', followMap);
      clearTimeout(doubtTimer);
      await Promise.all([...shards.values()].map((shard) => shard.close()));
    },
  };
}
