/**
 * The audit log in Redis: each entry in a stream of its tenant and in one of the whole installation, both bounded by number and by age. To
 * record never waits and never fails a call: entries go out pipelined, `close` waits for them, and what Redis does not take in time may be
 * lost, and is told in the log. A tenant that fills the installation's stream shortens the others' history there, not in their own.
 */

import { type AuditEntry, auditEntrySchema } from '@qrcast/core/audit';
import type { Redis } from 'ioredis';
import { errorFields, type Logger } from '../log.ts';
import { auditKey, type Namespace, tenantAuditKey } from '../redis/keys.ts';

export type NewAuditEntry = Omit<AuditEntry, 'id' | 'at'>;

export interface AuditPage {
  /** Null: of all tenants. */
  readonly tenantId: string | null;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** An entry's id: only older ones. */
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface ReadAudit {
  /** Newest first; without those another version of ours wrote and this one does not know. */
  readonly entries: readonly AuditEntry[];
  /** The cursor of what follows, behind what was skipped too; null: there is no more. */
  readonly nextCursor: string | null;
}

export interface AuditLog {
  record(entry: NewAuditEntry): void;
  read(page: AuditPage): Promise<ReadAudit>;
  /** Resolves when what was recorded is written. */
  close(): Promise<void>;
}

export interface AuditLimits {
  /** Of each tenant; ten times as many of all together. */
  readonly entries: number;
  readonly keepMs: number;
}

export const DEFAULT_AUDIT_LIMITS: AuditLimits = { entries: 10_000, keepMs: 30 * 86_400_000 };

export interface AuditLogDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: Redis;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly now: () => number;
  readonly limits?: AuditLimits | undefined;
  /** Asked at each write to a stream. */
  readonly isTrimDue?: (() => boolean) | undefined;
}

const ALL_TENANTS_FACTOR = 10;
/** Entries on their way to Redis; more would be a leak while it is out. */
const MAX_UNDER_WAY = 10_000;
/** Too old ones are cut off now and then, not at every entry. By chance: a count over all streams would favour some of them. */
const TRIM_EVERY = 200;
const isTrimDueByChance = (): boolean => Math.random() < 1 / TRIM_EVERY;

export function openAuditLog(deps: AuditLogDeps): AuditLog {
  const { redis, namespace, log, now, limits = DEFAULT_AUDIT_LIMITS, isTrimDue = isTrimDueByChance } = deps;
  const underWay = new Set<Promise<void>>();
  /** Not taken in time: a connection that comes back may still bring them. */
  let unsure = 0;

  async function write(key: string, text: string, entries: number): Promise<void> {
    const added = redis.xadd(key, 'MAXLEN', '~', entries, '*', 'entry', text);
    const kept = redis.pexpire(key, limits.keepMs);
    const trimmed = isTrimDue() ? redis.xtrim(key, 'MINID', String(now() - limits.keepMs)) : null;
    await Promise.all([added, kept, trimmed]);
  }

  function lose(error: Record<string, string>): void {
    if (unsure++ === 0) log.error(error, 'audit entries may be lost; Redis does not take them');
  }

  function isTaken(): void {
    if (unsure > 0) log.warn({ unsure }, 'audit entries are taken again');
    unsure = 0;
  }

  return {
    record(entry) {
      if (underWay.size >= MAX_UNDER_WAY) return lose({ error: `${MAX_UNDER_WAY} entries wait` });
      const text = JSON.stringify(entry);
      const writes = [write(auditKey(namespace), text, limits.entries * ALL_TENANTS_FACTOR)];
      if (entry.tenantId !== null) writes.push(write(tenantAuditKey(namespace, entry.tenantId), text, limits.entries));
      const done: Promise<void> = Promise.all(writes)
        .then(isTaken, (error: unknown) => lose(errorFields(error)))
        .finally(() => underWay.delete(done));
      underWay.add(done);
    },

    async read({ tenantId, from = 0, to, cursor, limit }) {
      const key = tenantId === null ? auditKey(namespace) : tenantAuditKey(namespace, tenantId);
      const oldest = String(Math.max(from, now() - limits.keepMs));
      const found = await redis.xrevrange(key, newestId(to, cursor), oldest, 'COUNT', limit);
      const isEnd = found.length < limit; // of what Redis has, not of what can be read
      return { entries: found.flatMap(([id, fields]) => entryOf(id, fields)), nextCursor: isEnd ? null : (found.at(-1)?.[0] ?? null) };
    },

    async close() {
      await Promise.all(underWay);
    },
  };
}

/** Where a page begins: at the older of the two. */
function newestId(to: number | undefined, cursor: string | undefined): string {
  if (cursor === undefined) return to === undefined ? '+' : String(to);
  return to !== undefined && to < momentOf(cursor) ? String(to) : `(${cursor}`;
}

const momentOf = (id: string): number => Number(id.split('-')[0]);

/** None if another version of ours wrote what this one does not know. */
function entryOf(id: string, [, text = '']: readonly string[]): readonly AuditEntry[] {
  const { data } = auditEntrySchema.safeParse({ credential: null, ...parsedOrNull(text), id, at: momentOf(id) }); // older entries have none
  return data === undefined ? [] : [data];
}

function parsedOrNull(text: string): object | null {
  try {
    return JSON.parse(text) as object; // what it is, the schema says
  } catch {
    return null; // a SyntaxError: no JSON
  }
}
