/**
 * The subscriptions at one master of a cluster, over a connection of their own. The master ends
 * those of a slot that leaves it, and refuses new ones with the name of the node that has the slot.
 */

import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import type { Meters } from '../metrics/meters.ts';
import { type NodeName, slotOf } from './cluster-client.ts';
import { UselessError } from './connection-watch.ts';
import type { Connections } from './connections.ts';
import { createEcho, type Echo } from './echo.ts';
import { errorWord } from './error-words.ts';
import { disconnectRedis } from './redis.ts';
import { within } from './within.ts';

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
  readonly log: Pick<Logger, 'warn'>;
  readonly meters: Meters;
  /** A channel, and a key, whose slot is at this master: the given one if it still is. Null: it has no slot. */
  readonly ownChannel: (current: string | null) => string | null;
  readonly publish: (channel: string, message: string) => Promise<unknown>;
  readonly onMessage: (channel: string, message: Buffer) => void;
  /** The subscriptions have begun. `isFirst`: no message of these channels can have been missed. */
  readonly onBegun: (channels: readonly string[], isFirst: boolean) => void;
  /** These are no longer subscribed here. `to` has their slot. */
  readonly onMoved: (channels: readonly string[], to: NodeName) => void;
  /** The master may have lost slots: the connection was closed, or subscriptions were ended. */
  readonly onDoubt: () => void;
}

/** The channel of the proofs. */
interface OwnChannel {
  readonly channel: string;
  /** False: its slot is at another master. Rejects if it is refused for another reason. */
  readonly begun: Promise<boolean>;
}

/** The master ends many subscriptions one by one. They are looked at together. */
const LOOK_AFTER_MS = 20;
/** After a refusal that names no other node. */
const LOOK_AGAIN_MS = 1_000;
const MOVED = /^MOVED \d+ (\S+:\d+)$/;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: all of it changes the state of one connection.
export function openShardSubscriber(deps: ShardSubscriberDeps): ShardSubscriber {
  const { node, connections, log } = deps;
  const { silentMs } = connections.watchOptions;
  /** By channel a mark of its last `add`, by which a late answer to an earlier one is known. */
  const channels = new Map<string, symbol>();
  let own: OwnChannel | null = null;
  let isConnected = false;
  let lookTimer: NodeJS.Timeout | undefined;
  let toldWord: string | null = null;
  let closed = false;

  const echo = createEcho(async (message) => {
    if (own === null) throw new Error(`${node} has no slot`);
    await deps.publish(own.channel, message);
  }, deps.meters);
  const connection = connections.openSubscriber({ node, writeKey: () => followOwn()?.channel ?? null, alsoProve: proveDelivery });

  /** Follows the slots: the channel of before may have left this master. */
  function followOwn(): OwnChannel | null {
    const channel = deps.ownChannel(own?.channel ?? null);
    if (channel !== null && channel === own?.channel) return own;
    if (own !== null) connection.sunsubscribe(own.channel).catch(() => undefined); // it ends with the connection
    own = channel === null ? null : { channel, begun: beginOwn(channel) };
    own?.begun.catch(() => undefined); // who awaits it gets the error
    return own;
  }

  async function beginOwn(channel: string): Promise<boolean> {
    try {
      await connection.ssubscribe(channel);
      return true;
    } catch (error) {
      if (own?.channel === channel) own = null; // the next proof takes another
      const word = errorWord(error);
      if (word !== null && word !== 'MOVED' && word !== 'CLUSTERDOWN') throw error;
      deps.onDoubt();
      return false;
    }
  }

  async function proveDelivery(): Promise<void> {
    const proven = followOwn();
    if (proven === null) return;
    const isBegun = await within(silentMs, proven.begun).catch((error: unknown) => {
      throw errorWord(error) === null ? new UselessError('no answer') : error;
    });
    if (!isBegun) return;
    await echo.prove(silentMs).catch((error: unknown) => {
      if (own === proven) throw error; // else the slot has left meanwhile
    });
  }

  function begin(wanted: readonly string[], isFirst: boolean): void {
    for (const group of bySlot(wanted)) {
      const marks = group.map((channel) => channels.get(channel));
      const still = (): string[] => group.filter((channel, i) => !closed && channels.get(channel) === marks[i]);
      connection.ssubscribe(...group).then(
        () => deps.onBegun(still(), isFirst),
        (error: Error) => refused(still(), error),
      );
    }
  }

  function refused(group: readonly string[], error: Error): void {
    if (group.length === 0) return;
    const to = MOVED.exec(error.message)?.[1];
    if (to !== undefined) {
      for (const channel of group) channels.delete(channel);
      deps.onMoved(group, to);
      return;
    }
    const word = errorWord(error);
    if (word !== null && word !== toldWord)
      log.warn({ role: 'subscriber', node, reason: word }, 'redis refuses a subscription; trying again');
    toldWord = word ?? toldWord;
    deps.onDoubt();
    lookSoon(LOOK_AGAIN_MS);
  }

  function lookSoon(ms: number): void {
    lookTimer ??= setTimeout(look, ms);
  }

  /** Begins again what the master has ended. If the slot has left, the refusal says where it went. */
  function look(): void {
    lookTimer = undefined;
    const subscribed = connection.condition?.subscriber;
    const known = new Set(subscribed === false || subscribed === undefined ? [] : subscribed.channels('ssubscribe'));
    if (own !== null && !known.has(own.channel)) own = null; // the next proof takes another
    const missing = [...channels.keys()].filter((channel) => !known.has(channel));
    begin(missing, false);
  }

  connection.on('smessageBuffer', (name: Buffer, message: Buffer) => {
    const channel = String(name);
    if (channel === own?.channel) echo.received(String(message));
    else deps.onMessage(channel, message);
  });
  connection.on('moved', () => {
    lookSoon(LOOK_AFTER_MS);
    deps.onDoubt();
  });
  connection.on('ready', () => {
    if (isConnected) begin([...channels.keys()], false);
    isConnected = true;
  });
  connection.on('close', () => {
    own = null; // begun again over the next connection
    if (!closed) deps.onDoubt();
  });

  return {
    node,
    connection,
    add(channel) {
      channels.set(channel, Symbol());
      begin([channel], true);
    },
    remove(channel) {
      if (channels.delete(channel) && !closed) connection.sunsubscribe(channel).catch(() => undefined); // it ends with the connection
    },
    async probe(timeoutMs) {
      const probed = followOwn();
      if (probed !== null && (await within(timeoutMs, probed.begun))) await echo.probe(timeoutMs);
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
