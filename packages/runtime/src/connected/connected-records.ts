/**
 * Stores records of connected instances in Redis, with their sealed credentials: reads, compares
 * and sets, and deletes them. connected-instances.ts decides what they mean.
 */

import type { Callback } from '@qrcast/core/callback';
import { type ConnectedInstance, connectedInstanceSchema } from '@qrcast/core/connected-instance';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Logger } from '../log.ts';
import { createOutbox } from '../outbox/outbox.ts';
import {
  checksEveryKey,
  checksKeepKey,
  checksKey,
  connectedCallbacksKey,
  connectedInstanceKey,
  connectedInstancesKey,
  type Namespace,
} from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { createReadEntry } from '../redis/read-entry.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { MAX_RACES } from '../sessions/sessions.ts';
import { type AuditedInstance, connectedAudit } from './connected-audit.ts';

/** Why credentials are deleted: one of these, or the state that the provider reported. */
export type TokenEnd = 'logged_out' | 'replaced' | 'period_over' | 'switched_off' | 'tenant_deleted' | 'too_many' | (string & {});

export interface RecordChange {
  readonly record: ConnectedInstance;
  /** '' keeps the credentials, '-' deletes them, any other text replaces them. */
  readonly sealed: string;
  /** Why credentials are deleted, if they are. */
  readonly why?: TokenEnd;
  /** A callback that is written with the change. */
  readonly callback?: Callback;
}

/**
 * The record of an instance, null if there is none. An unreadable one stays for a version that can
 * read it, until its time is over or a login replaces it.
 */
export type FoundRecord = ConnectedInstance | 'unreadable' | null;

export interface ConnectedRecords {
  find(tenantId: string, instanceId: string): Promise<FoundRecord>;
  readSealed(tenantId: string, instanceId: string): Promise<string | null>;
  /**
   * Changes the record as it stands. `decide` returns null for no change; after a lost race it is
   * called again. An unreadable record is null to it. Resolves to the change that was written, or
   * null.
   */
  change<T extends RecordChange>(
    tenantId: string,
    instanceId: string,
    decide: (known: ConnectedInstance | null, hasCredentials: boolean) => T | null,
  ): Promise<T | null>;
  /** Deletes the record with its credentials. */
  remove(tenantId: string, instanceId: string, why: TokenEnd): Promise<void>;
  /**
   * Calls `change` for each instance with credentials, unless that was done already for this
   * `period`.
   */
  cutOnce(tenantId: string, period: number, change: (instanceId: string) => Promise<void>): Promise<void>;
  /** Deletes the credentials of all instances of the tenant. */
  dropCredentials(tenantId: string): Promise<void>;
  /** Deletes everything of the tenant. */
  removeAll(tenantId: string): Promise<void>;
  /**
   * Removes from the tenant's list the records that expired before `now` (Unix ms). If there are
   * too many records, deletes those that would end first.
   */
  trim(tenantId: string, now: number): Promise<void>;
}

export interface ConnectedRecordsDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly log: Pick<Logger, 'warn'>;
  readonly audit?: Pick<AuditLog, 'record'> | undefined;
  /** Records of one tenant. The default is `MAX_INSTANCES`. */
  readonly maxInstances?: number | undefined;
}

/**
 * A tenant makes a record with each login, and can invent logins with its own webhook token. So
 * many records take about 100 MB with their credentials.
 */
const MAX_INSTANCES = 100_000;
/** The time of a check that is not chosen yet: lower than every time. */
const UNPLANNED = 0;
const AT_ONCE = 100;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a method for each call of the interface, over the same keys and scripts.
export function createConnectedRecords(deps: ConnectedRecordsDeps): ConnectedRecords {
  const { redis, namespace, log, audit, maxInstances = MAX_INSTANCES } = deps;
  const outbox = createOutbox(deps);
  const readEntry = createReadEntry(log, 'connected instance');
  const writeScript = loadLuaScript(redis, new URL('./connected-write-4.lua', import.meta.url));
  const dropScript = loadLuaScript(redis, new URL('./connected-drop-3.lua', import.meta.url));
  const keyOf = (tenantId: string, instanceId: string): string => connectedInstanceKey(namespace, tenantId, instanceId);
  const keysOf = (tenantId: string, instanceId: string): string[] => [
    keyOf(tenantId, instanceId),
    connectedInstancesKey(namespace, tenantId),
    checksKey(namespace, tenantId),
  ];

  function decode(tenantId: string, instanceId: string, text: string): ConnectedInstance | null {
    return readEntry({ tenantId, instanceId }, () => connectedInstanceSchema.parse(JSON.parse(text)));
  }

  function noteToken(action: 'token.kept' | 'token.deleted', about: AuditedInstance, outcome: string): void {
    audit?.record(connectedAudit(action, about, outcome));
  }

  /** Resolves to false if the record is no longer the expected one. */
  async function write(expected: string, { record, sealed, why = 'replaced', callback }: RecordChange): Promise<boolean> {
    const { tenantId, instanceId } = record;
    const keys = [...keysOf(tenantId, instanceId), connectedCallbacksKey(namespace, tenantId, instanceId)];
    const callbackText = callback === undefined ? '' : JSON.stringify(callback);
    const args = [expected, JSON.stringify(record), sealed, record.keepUntil, instanceId, UNPLANNED, callbackText];
    const store = (): Promise<unknown> => writeScript(keys, args);
    const written = await (callback === undefined ? store() : outbox.markAround({ kind: 'instance', tenantId, instanceId }, store));
    if (written === 2) noteToken('token.deleted', record, why);
    if (written !== 0 && sealed.length > 1) noteToken('token.kept', record, 'ok');
    return written !== 0;
  }

  async function drop(tenantId: string, instanceId: string, withRecord: boolean): Promise<boolean> {
    return (await dropScript(keysOf(tenantId, instanceId), [instanceId, withRecord ? '1' : ''])) === 1;
  }

  /** Deletes all instances of an index. Resolves to how many credentials there were. */
  async function dropAll(tenantId: string, index: string, withRecord: boolean): Promise<number> {
    for (let count = 0; ; ) {
      const ids = await redis.zrange(index, 0, String(AT_ONCE - 1));
      if (ids.length === 0) return count;
      const dropped = await Promise.all(ids.map((instanceId) => drop(tenantId, instanceId, withRecord)));
      count += dropped.filter(Boolean).length;
    }
  }

  async function remove(tenantId: string, instanceId: string, why: TokenEnd): Promise<void> {
    const isDropped = await drop(tenantId, instanceId, true);
    // Credentials that expired at the end of the period are audited as well.
    if (isDropped || why === 'period_over') noteToken('token.deleted', { tenantId, instanceId }, why);
  }

  return {
    async find(tenantId, instanceId) {
      const text = await redis.hget(keyOf(tenantId, instanceId), 'record');
      return text === null ? null : (decode(tenantId, instanceId, text) ?? 'unreadable');
    },

    readSealed: (tenantId, instanceId) => redis.hget(keyOf(tenantId, instanceId), 'sealed'),

    async change(tenantId, instanceId, decide) {
      for (let race = 0; race < MAX_RACES; race++) {
        const [text, sealed] = await redis.hmget(keyOf(tenantId, instanceId), 'record', 'sealed');
        const next = decide(text == null ? null : decode(tenantId, instanceId, text), sealed != null);
        if (next === null || (await write(text ?? '', next))) return next;
      }
      throw new Error(`a connected instance was changed by others ${MAX_RACES} times in a row`);
    },

    remove,

    async cutOnce(tenantId, period, change) {
      const key = checksKeepKey(namespace, tenantId);
      if ((await redis.get(key)) === String(period)) return;
      for (let cursor = ''; cursor !== '0'; ) {
        const [next, page] = await redis.zscan(checksKey(namespace, tenantId), cursor || '0', 'COUNT', AT_ONCE);
        await Promise.all(page.filter((_, i) => i % 2 === 0).map(change)); // members and scores alternate
        cursor = next;
      }
      await redis.set(key, period);
    },

    async dropCredentials(tenantId) {
      const count = await dropAll(tenantId, checksKey(namespace, tenantId), false);
      if (count > 0) noteToken('token.deleted', { tenantId }, 'switched_off');
    },

    async removeAll(tenantId) {
      const count =
        (await dropAll(tenantId, connectedInstancesKey(namespace, tenantId), true)) +
        (await dropAll(tenantId, checksKey(namespace, tenantId), true));
      await redis.del(checksEveryKey(namespace, tenantId), checksKeepKey(namespace, tenantId));
      if (count > 0) noteToken('token.deleted', { tenantId }, 'tenant_deleted');
    },

    async trim(tenantId, now) {
      const index = connectedInstancesKey(namespace, tenantId);
      await redis.zremrangebyscore(index, '-inf', String(now));
      const excess = Math.min((await redis.zcard(index)) - maxInstances, AT_ONCE);
      if (excess <= 0) return;
      for (const instanceId of await redis.zrange(index, 0, String(excess - 1))) await remove(tenantId, instanceId, 'too_many');
      log.warn({ tenantId, maxInstances }, 'a tenant has too many connected instances; losses of the oldest will not be reported');
    },
  };
}
