/**
 * The callbacks of each tenant and how their delivery went: what is left to send, and what the
 * tenant can read. They are kept for a week, and of the settled ones only the newest thousand.
 */

import { type Attempt, attemptSchema, type Callback, type CallbackState, callbackSchema, callbackStateSchema } from '@qrcast/core/callback';
import { GIVE_UP_AFTER_MS } from '@qrcast/core/callback-schedule';
import { z } from 'zod';
import type { Logger } from '../log.ts';
import { callbackKey, callbacksKey, type Namespace, settledCallbacksKey } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { createReadEntry, readOrNull } from '../redis/read-entry.ts';
import type { RedisClient } from '../redis/redis-client.ts';

export interface LoggedCallback {
  readonly callback: Callback;
  readonly state: CallbackState;
  readonly attempts: readonly Attempt[];
  /** Failed tries since it was made, or since the tenant had it sent again. */
  readonly failures: number;
  readonly nextAttemptAt: number;
  readonly giveUpAt: number;
}

export interface CallbackLog {
  /** Idempotent. `full`: the tenant already has the most that may wait, and nothing was kept. */
  add(callback: Callback): Promise<'pending' | 'settled' | 'full'>;
  /** Null if there is none. @throws {Error} if it cannot be read; a later try may meet a version that can. */
  find(tenantId: string, id: string): Promise<LoggedCallback | null>;
  /** As `find`, but null for one that cannot be read, too. The log names it. */
  findReadable(tenantId: string, id: string): Promise<LoggedCallback | null>;
  /** Returns ids from newest to oldest, after `cursor`. */
  page(tenantId: string, cursor: string | null, limit: number): Promise<readonly string[]>;
  /**
   * Records what a try changed; `attempt` is null if there was none. Changes nothing and resolves
   * to false if the callback is gone, or was settled, tried or reopened since `logged` was read.
   */
  record(logged: LoggedCallback, attempt: Attempt | null, after: Pick<LoggedCallback, 'state' | 'nextAttemptAt'>): Promise<boolean>;
  /** Has it sent again, for a day from now on. */
  reopen(logged: LoggedCallback, now: number): Promise<void>;
}

export const KEEP_CALLBACKS_MS = 7 * 86_400_000;
const KEEP_SETTLED = 1_000;
/** Beyond this, callbacks wait in the lists of their sessions. */
const MAX_WAITING = 10_000;
const KEEP_ATTEMPTS = 50;

const recordSchema = z.object({
  callback: z.string(),
  state: callbackStateSchema,
  attempts: z.string(),
  failures: z.coerce.number(),
  nextAttemptAt: z.coerce.number(),
  giveUpAt: z.coerce.number(),
});

interface CallbackLogDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly log: Pick<Logger, 'warn'>;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a method for each call of the interface, over the same keys.
export function createCallbackLog(deps: CallbackLogDeps): CallbackLog {
  const { redis, namespace, log } = deps;
  const readEntry = createReadEntry(log, 'callback');
  const recordScript = loadLuaScript(redis, new URL('./callback-record-2.lua', import.meta.url));
  return {
    async add(callback) {
      const { tenantId, id, createdAt } = callback;
      const index = callbacksKey(namespace, tenantId);
      const key = callbackKey(namespace, tenantId, id);
      const state = await redis.hget(key, 'state');
      if (state !== null) return state === 'pending' ? 'pending' : 'settled';
      if ((await countWaiting(deps, tenantId, createdAt)) >= MAX_WAITING) return 'full';
      const record = { state: 'pending', attempts: '[]', failures: 0, nextAttemptAt: createdAt, giveUpAt: createdAt + GIVE_UP_AFTER_MS };
      await redis
        .multi()
        .hset(key, { ...record, callback: JSON.stringify(callback) })
        .pexpire(key, KEEP_CALLBACKS_MS)
        .zadd(index, createdAt, id)
        .pexpire(index, KEEP_CALLBACKS_MS)
        .exec();
      return 'pending';
    },

    async find(tenantId, id) {
      const record = await load(deps, tenantId, id);
      const logged = record && readOrNull(() => decode(record));
      // Not the error of the parser: its text holds a piece of the entry, and callers log it.
      if (record !== null && logged === null)
        throw new Error('a callback in Redis has an unknown shape; was it written by another version?');
      return logged;
    },

    async findReadable(tenantId, id) {
      const record = await load(deps, tenantId, id);
      return record && readEntry({ tenantId, callbackId: id }, () => decode(record));
    },

    async page(tenantId, cursor, limit) {
      const index = callbacksKey(namespace, tenantId);
      const rank = cursor === null ? -1 : await redis.zrevrank(index, cursor);
      if (rank === null) return []; // the callback that the cursor names is gone
      return redis.zrevrange(index, rank + 1, rank + limit);
    },

    async record({ callback, attempts, failures, giveUpAt }, attempt, { state, nextAttemptAt }) {
      const changed = {
        state,
        nextAttemptAt,
        failures: state === 'delivered' || attempt === null ? failures : failures + 1,
        attempts: JSON.stringify([...attempts, ...(attempt === null ? [] : [attempt])].slice(-KEEP_ATTEMPTS)),
      };
      const { tenantId, id } = callback;
      const keys = [callbackKey(namespace, tenantId, id), settledCallbacksKey(namespace, tenantId)];
      const score = state === 'pending' ? '' : giveUpAt - GIVE_UP_AFTER_MS; // the same score as in the index
      const isRecorded =
        (await recordScript(keys, [giveUpAt, failures, id, score, KEEP_CALLBACKS_MS, ...Object.entries(changed).flat()])) === 1;
      await trim(deps, tenantId);
      return isRecorded;
    },

    async reopen({ callback }, now) {
      const changed = { state: 'pending', failures: 0, nextAttemptAt: now, giveUpAt: now + GIVE_UP_AFTER_MS };
      const { tenantId, id } = callback;
      const index = callbacksKey(namespace, tenantId);
      await redis
        .multi()
        .hset(callbackKey(namespace, tenantId, id), changed)
        .pexpire(callbackKey(namespace, tenantId, id), KEEP_CALLBACKS_MS)
        .zadd(index, now, id) // keeps it for a week from now on
        .pexpire(index, KEEP_CALLBACKS_MS)
        .zrem(settledCallbacksKey(namespace, tenantId), id)
        .exec();
    },
  };
}

/** Deletes the oldest settled callbacks. */
async function trim({ redis, namespace }: CallbackLogDeps, tenantId: string): Promise<void> {
  const settled = settledCallbacksKey(namespace, tenantId);
  const excess = (await redis.zcard(settled)) - KEEP_SETTLED;
  if (excess <= 0) return;
  const gone = await redis.zrange(settled, 0, String(excess - 1));
  await redis
    .multi()
    .zrem(settled, ...gone)
    .zrem(callbacksKey(namespace, tenantId), ...gone)
    .del(...gone.map((id) => callbackKey(namespace, tenantId, id)))
    .exec();
}

/** Counts the callbacks that are not settled. */
async function countWaiting({ redis, namespace }: CallbackLogDeps, tenantId: string, now: number): Promise<number> {
  const keys = [callbacksKey(namespace, tenantId), settledCallbacksKey(namespace, tenantId)] as const;
  await Promise.all(keys.map((key) => redis.zremrangebyscore(key, '-inf', now - KEEP_CALLBACKS_MS)));
  const [all, settled] = await Promise.all([redis.zcard(keys[0]), redis.zcard(keys[1])]);
  return all - settled;
}

/** The fields of an entry as they are stored. Null if there is none. */
async function load({ redis, namespace }: CallbackLogDeps, tenantId: string, id: string): Promise<Record<string, string> | null> {
  const record = await redis.hgetall(callbackKey(namespace, tenantId, id));
  return record['callback'] === undefined ? null : record;
}

/** @throws {Error} if this is no entry of the log. */
function decode(record: Record<string, string>): LoggedCallback {
  const { callback, attempts, ...rest } = recordSchema.parse(record);
  return {
    ...rest,
    callback: callbackSchema.parse(JSON.parse(callback)),
    attempts: z.array(attemptSchema).parse(JSON.parse(attempts)),
  };
}
