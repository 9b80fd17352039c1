/**
 * Notifications that wait to be passed on: a list per instance (a lane), in the order in which they
 * came. A tenant's lanes together have a limit. When it is reached, notifications are refused, and
 * the provider keeps them.
 */

import { createHash } from 'node:crypto';
import { withoutMark } from '@qrcast/core/utf8';
import { type Namespace, relayLaneKey, relayUseKey } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import type { RedisClient } from '../redis/redis-client.ts';

export interface Relayed {
  /**
   * False if the entry has no form that we know; the other fields are then empty. Drop it: others
   * wait behind it.
   */
  readonly isReadable: boolean;
  /** The beginning of the entry, by which `drop` recognises it. */
  readonly head: string;
  /**
   * The `webhook-id`. Equal bodies have equal ids, so a receiver can recognise what the provider
   * sent twice.
   */
  readonly id: string;
  /** When it came, Unix ms. */
  readonly at: number;
  /** As it came, but without a leading byte-order mark, which our envelope cannot hold. */
  readonly body: string;
}

export interface RelayLanes {
  /**
   * `body`: as it came, with its byte-order mark, which counts for the id. False if the tenant's
   * lanes are full.
   */
  push(lane: Lane, body: string, at: number): Promise<boolean>;
  first(lane: Lane): Promise<Relayed | null>;
  /** Removes the first entry, if it is still this one. */
  drop(lane: Lane, first: Relayed): Promise<void>;
  /**
   * Counts a failed try of the first entry. Resolves to how many there were, or to 0 if another is
   * the first now.
   */
  countFailure(lane: Lane, first: Relayed): Promise<number>;
  isEmpty(lane: Lane): Promise<boolean>;
}

export interface Lane {
  readonly tenantId: string;
  readonly instanceId: string;
}

/**
 * A day of a busy tenant. The bytes have a limit of their own, because a message may hold
 * megabytes.
 */
const MAX_WAITING = 10_000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

export function createRelayLanes({ redis, namespace }: { readonly redis: RedisClient; readonly namespace: Namespace }): RelayLanes {
  const push = loadLuaScript(redis, new URL('./relay-push-2.lua', import.meta.url));
  const drop = loadLuaScript(redis, new URL('./relay-drop-2.lua', import.meta.url));
  const fail = loadLuaScript(redis, new URL('./relay-fail-2.lua', import.meta.url));
  const keysOf = ({ tenantId, instanceId }: Lane): [lane: string, use: string] => [
    relayLaneKey(namespace, tenantId, instanceId),
    relayUseKey(namespace, tenantId),
  ];

  return {
    async push(lane, body, at) {
      const entry = `${headOf({ id: relayIdOf(lane, body), at })}${withoutMark(body)}`;
      return (await push(keysOf(lane), [entry, MAX_WAITING, MAX_WAITING_BYTES])) === 1;
    },

    async first(lane) {
      const entry = await redis.lindex(keysOf(lane)[0], 0);
      return entry === null ? null : decodeEntry(entry);
    },

    async drop(lane, first) {
      await drop(keysOf(lane), [first.head, lane.instanceId]);
    },

    countFailure: async (lane, first) => Number(await fail(keysOf(lane), [first.head, lane.instanceId])),

    isEmpty: async (lane) => (await redis.llen(keysOf(lane)[0])) === 0,
  };
}

function relayIdOf({ tenantId, instanceId }: Lane, body: string): string {
  return `ntf_${createHash('sha256').update(`${tenantId}|${instanceId}|${body}`).digest('base64url').slice(0, 24)}`;
}

/**
 * The beginning of an entry. The body follows as it is: JSON around megabytes would cost too much.
 */
const headOf = ({ id, at }: Pick<Relayed, 'id' | 'at'>): string => `${id}|${at}|`;

/** As `headOf` writes it, until the year 2286. */
const HEAD = /^(ntf_[\w-]{24})\|(\d{1,13})\|/;
/** Text whose bytes are the same after it was read and written as UTF-8. */
const ASCII = /^[\0-\x7f]{0,64}/;

function decodeEntry(entry: string): Relayed {
  const [head, id = '', at = ''] = HEAD.exec(entry) ?? [];
  if (head === undefined) return { isReadable: false, head: ASCII.exec(entry)?.[0] ?? '', id, at: 0, body: '' };
  return { isReadable: true, head, id, at: Number(at), body: entry.slice(head.length) };
}
