/**
 * The bus on a Redis Cluster. A channel has a slot, as a key has, and is subscribed at the master of
 * that slot. When slots move, or a master is replaced, the subscriptions follow.
 *
 * Where a channel belongs is learned in three ways: from the client's map of the slots, from a
 * master that refuses a subscription, and from each new map, with which all channels are compared.
 */

import { randomUUID } from 'node:crypto';
import type { Cluster } from 'ioredis';
import { errorFields } from '../log.ts';
import type { Bus, BusDeps } from './bus.ts';
import { createChannelHandlers } from './channel-handlers.ts';
import { keyAt, masterOfSlot, mastersOf, type NodeName, slotOf } from './cluster-client.ts';
import { probeChannel } from './keys.ts';
import { openShardSubscriber, type ShardSubscriber } from './shard-subscriber.ts';

/** A channel that somebody wants. */
interface Place {
  readonly slot: number;
  /** Null: no master is known for its slot. */
  shard: ShardSubscriber | null;
  /** Has a subscription ended since the handlers were called last? */
  isInterrupted: boolean;
  readonly begun: Promise<void>;
  readonly begin: () => void;
}

/** At most this often the map is asked for because of doubts. */
const DOUBT_EVERY_MS = 250;
/** Subscriptions begin again slot by slot. Their listeners are called once for all. */
const RESET_AFTER_MS = 20;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: all events move channels between shards.
export function openClusterBus({ redis: cluster, connections, namespace, log, meters }: BusDeps & { readonly redis: Cluster }): Bus {
  const handlers = createChannelHandlers(log, meters);
  const shards = new Map<NodeName, ShardSubscriber>();
  const places = new Map<string, Place>();
  const resetListeners = new Set<Parameters<Bus['onReset']>[0]>();
  const id = randomUUID();
  const interrupted = new Set<string>();
  let resetTimer: NodeJS.Timeout | undefined;
  let doubtTimer: NodeJS.Timeout | undefined;
  let closed = false;

  function shardOf(node: NodeName): ShardSubscriber {
    const known = shards.get(node);
    if (known !== undefined) return known;
    const shard: ShardSubscriber = openShardSubscriber({
      node,
      connections,
      log,
      meters,
      ownChannel(current) {
        if (current !== null && masterOfSlot(cluster, slotOf(current)) === node) return current;
        return keyAt(cluster, node, (nth) => probeChannel(namespace, `${id}:{${node}:${nth}}`));
      },
      publish: (channel, message) => cluster.spublish(channel, message),
      onMessage: handlers.deliver,
      onBegun: (channels, isFirst) => onBegun(shard, channels, isFirst),
      onMoved(channels, to) {
        for (const channel of channels) {
          leave(channel);
          place(channel, to);
        }
        doubt();
      },
      onDoubt: doubt,
    });
    shards.set(node, shard);
    return shard;
  }

  function onBegun(shard: ShardSubscriber, channels: readonly string[], isFirst: boolean): void {
    for (const channel of channels) {
      const known = places.get(channel);
      if (known?.shard !== shard) continue; // it has moved on
      if (!isFirst || known.isInterrupted) interrupted.add(channel);
      known.isInterrupted = false;
      known.begin();
    }
    if (interrupted.size > 0) resetTimer ??= setTimeout(reset, RESET_AFTER_MS);
  }

  function reset(): void {
    resetTimer = undefined;
    const affected = new Set(interrupted);
    interrupted.clear();
    for (const listener of resetListeners) listener((channel) => affected.has(channel));
  }

  function place(channel: string, at?: NodeName): void {
    const known = places.get(channel);
    const node = known && (at ?? masterOfSlot(cluster, known.slot));
    if (closed || known === undefined || node === undefined) return; // placed with the next map
    known.shard = shardOf(node);
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
    for (const [channel, { slot, shard }] of places) {
      const master = masterOfSlot(cluster, slot);
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
    if (closed) return;
    doubtTimer ??= setTimeout(() => {
      doubtTimer = undefined;
      cluster.refreshSlotsCache((error) => {
        if (error) doubt();
      });
    }, DOUBT_EVERY_MS);
  }

  /** A fault must not reach ioredis, which would refresh no more. The next map tries again. */
  function onRefresh(): void {
    try {
      followMap();
    } catch (error) {
      log.warn(errorFields(error), 'the map of the cluster could not be followed; trying again');
    }
  }

  cluster.on('refresh', onRefresh);
  followMap();

  return {
    subscribe(channel, onMessage) {
      const begin = (): void => {
        const { promise, resolve } = Promise.withResolvers<void>();
        places.set(channel, { slot: slotOf(channel), shard: null, isInterrupted: false, begun: promise, begin: resolve });
        place(channel);
      };
      const end = (): void => {
        leave(channel);
        places.get(channel)?.begin(); // whoever waits for it must not wait for ever
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
      cluster.off('refresh', onRefresh);
      clearTimeout(doubtTimer);
      clearTimeout(resetTimer);
      for (const { begin } of places.values()) begin();
      await Promise.all([...shards.values()].map((shard) => shard.close()));
    },
  };
}
