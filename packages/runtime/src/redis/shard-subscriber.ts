/**
 * The subscriptions at one master of a cluster, over a connection of their own. The master ends
 * those of a slot that leaves it, and refuses new ones with the name of the node that has the slot.
 */

import type { Redis } from 'ioredis';
import { type NodeName, slotOf } from './cluster-client.ts';
import type { Connections } from './connections.ts';
import { createEcho, type Echo } from './echo.ts';
import { disconnectRedis } from './redis.ts';

export interface ShardSubscriber extends Pick<Echo, 'probe'> {
  readonly node: NodeName;
  readonly connection: Redis;
  add(channel: string): void;
  remove(channel: string): void;
  close(): Promise<void>;
}

export interface ShardSubscriberDeps {
  readonly node: NodeName;
  readonly connections: Pick<Connections, 'openSubscriber' | 'watchOptions'>;
  /** A channel, and a key, whose slot is at this master. Null: it has no slot. */
  readonly ownChannel: () => string | null;
  readonly publish: (channel: string, message: string) => Promise<unknown>;
  readonly onMessage: (channel: string, message: string) => void;
  /** The subscriptions have begun. `isFirst`: no message of these channels can have been missed. */
  readonly onBegun: (channels: readonly string[], isFirst: boolean) => void;
  /** These are no longer subscribed here. `to` has their slot, if the master said so. */
  readonly onMoved: (channels: readonly string[], to: NodeName | null) => void;
  /** The master may have lost slots: the connection was closed, or subscriptions were ended. */
  readonly onDoubt: () => void;
}

/** The channel of the proofs. */
interface OwnChannel {
  readonly channel: string;
  /** False: the master has refused it. */
  readonly begun: Promise<boolean>;
}

/** The master ends many subscriptions one by one. They are looked at together. */
const LOOK_AFTER_MS = 20;
const MOVED = /^MOVED \d+ (\S+:\d+)$/;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: all of it changes the state of one connection.
export function openShardSubscriber(deps: ShardSubscriberDeps): ShardSubscriber {
  const { node, connections } = deps;
  const channels = new Set<string>();
  let own: OwnChannel | null = null;
  let isConnected = false;
  let lookTimer: NodeJS.Timeout | undefined;
  let closed = false;

  const echo = createEcho(async (message) => {
    if (own === null) throw new Error(`${node} has no slot`);
    await deps.publish(own.channel, message);
  });
  const connection = connections.openSubscriber({
    node,
    writeKey: () => followOwn()?.channel ?? '',
    alsoProve: proveDelivery,
  });

  /** Follows the slots: the channel of before may have left this master. */
  function followOwn(): OwnChannel | null {
    const channel = deps.ownChannel();
    if (channel !== own?.channel) own = channel === null ? null : { channel, begun: beginOwn(channel) };
    return own;
  }

  async function proveDelivery(): Promise<void> {
    const proven = followOwn();
    if (!(await proven?.begun)) return;
    await echo.prove(connections.watchOptions.silentMs).catch((error: unknown) => {
      if (own === proven) throw error; // else the slot has left meanwhile
    });
  }

  async function beginOwn(channel: string): Promise<boolean> {
    try {
      await connection.ssubscribe(channel);
      return true;
    } catch {
      if (own?.channel === channel) own = null; // the map is older than the master's
      deps.onDoubt();
      return false;
    }
  }

  function begin(wanted: readonly string[], isFirst: boolean): void {
    for (const group of bySlot(wanted)) {
      connection.ssubscribe(...group).then(
        () => deps.onBegun(group, isFirst),
        (error: Error) => refused(group, error),
      );
    }
  }

  function refused(group: readonly string[], error: Error): void {
    if (closed) return;
    const left = group.filter((channel) => channels.delete(channel));
    if (left.length > 0) deps.onMoved(left, MOVED.exec(error.message)?.[1] ?? null);
  }

  /** Begins again what the master has ended. If the slot has left, the refusal says where it went. */
  function look(): void {
    lookTimer = undefined;
    const subscribed = connection.condition?.subscriber;
    const known = new Set(subscribed === false || subscribed === undefined ? [] : subscribed.channels('ssubscribe'));
    if (own !== null && !known.has(own.channel)) own = null; // the next proof takes another
    begin(
      [...channels].filter((channel) => !known.has(channel)),
      false,
    );
  }

  connection.on('smessage', (channel: string, message: string) => {
    if (channel === own?.channel) echo.received(message);
    else deps.onMessage(channel, message);
  });
  connection.on('moved', () => {
    lookTimer ??= setTimeout(look, LOOK_AFTER_MS);
    deps.onDoubt();
  });
  connection.on('ready', () => {
    own = null; // the next proof begins it again
    if (isConnected) begin([...channels], false);
    isConnected = true;
  });
  connection.on('close', () => {
    if (!closed) deps.onDoubt();
  });

  return {
    node,
    connection,
    add(channel) {
      channels.add(channel);
      begin([channel], true);
    },
    remove(channel) {
      if (channels.delete(channel) && !closed) connection.sunsubscribe(channel).catch(() => undefined); // it ends with the connection
    },
    async probe(timeoutMs) {
      if (await followOwn()?.begun) await echo.probe(timeoutMs);
    },
    async close() {
      closed = true;
      clearTimeout(lookTimer);
      await disconnectRedis(connection);
    },
  };
}

/** One command takes channels of one slot only. */
function bySlot(channels: readonly string[]): string[][] {
  const groups = new Map<number, string[]>();
  for (const channel of channels) {
    const slot = slotOf(channel);
    const group = groups.get(slot);
    if (group === undefined) groups.set(slot, [channel]);
    else group.push(channel);
  }
  return [...groups.values()];
}
