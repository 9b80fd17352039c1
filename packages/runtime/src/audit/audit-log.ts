/**
 * The audit log in Redis. Each entry goes into a stream of its tenant and one of the whole
 * installation. Both are limited by number and by age.
 *
 * Recording never waits and never fails a call. Entries go out pipelined, and `close` waits for
 * them. What Redis does not take in time may be lost, and the log says so. A tenant that fills the
 * installation's stream shortens the history of others there, but not in their own streams. If a
 * tenant's key holds no stream, its entries are only in the installation's.
 */

import { type AuditEntry, auditEntrySchema } from '@qrcast/core/audit';
import { errorFields, type Logger } from '../log.ts';
import { errorWord } from '../redis/error-words.ts';
import { auditKey, type Namespace, tenantAuditKey } from '../redis/keys.ts';
import { createWarnOnce } from '../redis/read-entry.ts';
import type { RedisClient } from '../redis/redis-client.ts';

export type NewAuditEntry = Omit<AuditEntry, 'id' | 'at'>;

export interface AuditPage {
  /** Null: entries of all tenants. */
  readonly tenantId: string | null;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** The id of an entry. Only older ones are returned. */
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface ReadAudit {
  /** Newest first, without entries of another version that this one does not know. */
  readonly entries: readonly AuditEntry[];
  /** The cursor for the next page, which also passes skipped entries. Null: there are no more. */
  readonly nextCursor: string | null;
}

export interface AuditLog {
  record(entry: NewAuditEntry): void;
  read(page: AuditPage): Promise<ReadAudit>;
  /** Resolves when all recorded entries are written. */
  close(): Promise<void>;
}

export interface AuditLimits {
  /** For each tenant. Of all tenants together ten times as many are kept. */
  readonly entries: number;
  readonly keepMs: number;
}

export const DEFAULT_AUDIT_LIMITS: AuditLimits = { entries: 10_000, keepMs: 30 * 86_400_000 };

export interface AuditLogDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly log: Logger;
  readonly now: () => number;
  readonly limits?: AuditLimits | undefined;
  /** Called at each write to a stream. */
  readonly isTrimDue?: (() => boolean) | undefined;
}

const ALL_TENANTS_FACTOR = 10;
/** Entries on their way to Redis. Without a limit they would fill memory while Redis is out. */
const MAX_UNDER_WAY = 10_000;
/**
 * Old entries are cut off at every 200th write on average. By chance, because a count over all
 * streams would favour some.
 */
const TRIM_EVERY = 200;
const isTrimDueByChance = (): boolean => Math.random() < 1 / TRIM_EVERY;

// One closure: recording and closing share the entries under way.
export function openAuditLog(deps: AuditLogDeps): AuditLog {
  const { redis, namespace, log, now, limits = DEFAULT_AUDIT_LIMITS } = deps;
  const writeEntry = createWriter({ ...deps, limits });
  const underWay = new Set<Promise<void>>();
  /**
   * Entries that Redis did not confirm in time. A connection that comes back may still deliver
   * them.
   */
  let unsure = 0;

  function noteLost(error: Record<string, string>): void {
    if (unsure++ === 0) log.error(error, 'audit entries may be lost; Redis does not accept them');
  }

  function noteTaken(): void {
    if (unsure > 0) log.warn({ unsure }, 'audit entries are accepted again');
    unsure = 0;
  }

  return {
    record(entry) {
      if (underWay.size >= MAX_UNDER_WAY) return noteLost({ error: `${MAX_UNDER_WAY} entries wait` });
      const done: Promise<void> = writeEntry(entry)
        .then(noteTaken, (error: unknown) => noteLost(errorFields(error)))
        .finally(() => underWay.delete(done));
      underWay.add(done);
    },

    async read({ tenantId, from = 0, to, cursor, limit }) {
      const key = tenantId === null ? auditKey(namespace) : tenantAuditKey(namespace, tenantId);
      const oldest = String(Math.max(from, now() - limits.keepMs));
      const found = await redis.xrevrange(key, newestId(to, cursor), oldest, 'COUNT', limit);
      const isEnd = found.length < limit; // counts what Redis has, also what cannot be read
      return { entries: found.flatMap(([id, fields]) => entryOf(id, fields)), nextCursor: isEnd ? null : (found.at(-1)?.[0] ?? null) };
    },

    async close() {
      await Promise.all(underWay);
    },
  };
}

/** Resolves when Redis has taken the entry. */
function createWriter(deps: AuditLogDeps & { readonly limits: AuditLimits }): (entry: NewAuditEntry) => Promise<unknown> {
  const { redis, namespace, log, now, limits, isTrimDue = isTrimDueByChance } = deps;
  const warnOfForeignKey = createWarnOnce(
    log,
    "a tenant's audit entries are only in the log of the whole installation: its key holds no stream; delete the key",
  );

  async function write(key: string, text: string, entries: number): Promise<void> {
    const added = redis.xadd(key, 'MAXLEN', '~', entries, '*', 'entry', text);
    const kept = redis.pexpire(key, limits.keepMs);
    const trimmed = isTrimDue() ? redis.xtrim(key, 'MINID', String(now() - limits.keepMs)) : null;
    await Promise.all([added, kept, trimmed]);
  }

  /** A damaged key of one tenant takes nothing from the others, and is no fault of Redis. */
  async function writeOwn(tenantId: string, text: string): Promise<void> {
    const key = tenantAuditKey(namespace, tenantId);
    try {
      await write(key, text, limits.entries);
    } catch (error) {
      if (errorWord(error) !== 'WRONGTYPE') throw error;
      warnOfForeignKey({ tenantId, key });
    }
  }

  return (entry) => {
    const text = JSON.stringify(entry);
    const all = write(auditKey(namespace), text, limits.entries * ALL_TENANTS_FACTOR);
    return entry.tenantId === null ? all : Promise.all([all, writeOwn(entry.tenantId, text)]);
  };
}

/** A page begins at the older of the two. */
function newestId(to: number | undefined, cursor: string | undefined): string {
  if (cursor === undefined) return to === undefined ? '+' : String(to);
  return to !== undefined && to < momentOf(cursor) ? String(to) : `(${cursor}`;
}

const momentOf = (id: string): number => Number(id.split('-')[0]);

/** Returns none for an entry of another version that this one does not know. */
function entryOf(id: string, [, text = '']: readonly string[]): readonly AuditEntry[] {
  const { data } = auditEntrySchema.safeParse({ credential: null, ...parsedOrNull(text), id, at: momentOf(id) }); // older entries lack `credential`
  return data === undefined ? [] : [data];
}

function parsedOrNull(text: string): object | null {
  try {
    return JSON.parse(text) as object; // the schema checks it
  } catch {
    return null; // a SyntaxError: not JSON
  }
}
