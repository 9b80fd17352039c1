/**
 * Adds up in memory, and writes the sums to hashes in Redis every few seconds. Adding never waits and
 * never fails. Nothing is sent while there is nothing to write.
 *
 * Sums that Redis does not take are kept and written later. When as many are held as may be, further
 * ones are lost, and the log says so. A write whose reply was lost may count twice.
 */

import type { Logger } from '../log.ts';
import { errorWord } from '../redis/error-words.ts';
import { formerTenantsKey, type Namespace } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { createWarnOnce } from '../redis/read-entry.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { within } from '../redis/within.ts';
import { createHeldSums, type Sum, type SumTarget } from './held-sums.ts';

export interface Sums {
  /** Adds 1 to each field. */
  add(target: SumTarget, fields: readonly string[]): void;
  /** Writes what is held, if Redis takes it within 2 s. Idempotent. */
  close(): Promise<void>;
}

export interface SumsDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly log: Pick<Logger, 'warn'>;
  /** How long sums are held before they are written, ms; `WRITE_AFTER_MS` if left out. */
  readonly writeAfterMs?: number | undefined;
}

const WRITE_AFTER_MS = 3_000;
const CLOSE_WITHIN_MS = 2_000;

export function openSums(deps: SumsDeps): Sums {
  const { log, writeAfterMs = WRITE_AFTER_MS } = deps;
  const held = createHeldSums(log);
  const writeAll = createWriteAll(deps);
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | null = null;
  let closing: Promise<void> | null = null;

  async function write(): Promise<void> {
    const kept = await writeAll(held.takeAll());
    if (kept.length === 0) held.noteWritten();
    for (const sum of kept) held.add(sum, sum.fields);
    writing = null;
    if (held.size() > 0) writeLater();
  }

  function writeLater(): void {
    if (writing !== null || closing !== null) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      writing = write();
    }, writeAfterMs);
  }

  async function writeLast(): Promise<void> {
    clearTimeout(timer);
    await writing;
    await write();
    if (held.size() > 0) log.warn({ held: held.size() }, 'statistics of the last moments are lost; Redis does not take them');
  }

  return {
    add(target, fields) {
      held.add(
        target,
        fields.map((field) => [field, 1]),
      );
      writeLater();
    },
    close() {
      closing ??= within(CLOSE_WITHIN_MS, writeLast()).catch(() => undefined); // Redis is out, and a drain must end
      return closing;
    },
  };
}

/** What it returns resolves to the sums that Redis did not take. */
function createWriteAll(deps: SumsDeps): (sums: readonly Sum[]) => Promise<readonly Sum[]> {
  const isTaken = createWrite(deps);
  let isRefusing = false;

  /** If Redis does not take the first, it is not asked to take the others. */
  async function notTaken([first, ...others]: readonly Sum[]): Promise<readonly Sum[]> {
    if (first === undefined) return [];
    if (!(await isTaken(first))) return [first, ...others];
    const taken = await Promise.all(others.map(isTaken));
    return others.filter((_sum, n) => taken[n] === false);
  }

  return async (sums) => {
    const kept = await notTaken(sums);
    if (kept.length > 0 && !isRefusing) deps.log.warn({ kept: kept.length }, 'statistics are kept in memory; Redis does not take them');
    isRefusing = kept.length > 0;
    return kept;
  };
}

/** What it returns resolves to false if the sum must be written later. */
function createWrite({ redis, namespace, log }: SumsDeps): (sum: Sum) => Promise<boolean> {
  const add = loadLuaScript(redis, new URL('./sums-add-1.lua', import.meta.url));
  const warnOfForeignKey = createWarnOnce(log, 'statistics are lost: their key holds something else; delete the key');

  /** After the write, because the deletion of a tenant notes its id before it deletes its keys. */
  async function deleteOfFormer({ key, tenantId }: Sum): Promise<void> {
    if (tenantId !== undefined && (await redis.sismember(formerTenantsKey(namespace), tenantId)) === 1) await redis.del(key);
  }

  return async (sum) => {
    try {
      await add([sum.key], [sum.keepMs, ...[...sum.fields].flat()]);
    } catch (error) {
      const word = errorWord(error);
      if (word !== 'WRONGTYPE' && word !== 'ERR') return false;
      warnOfForeignKey({ key: sum.key });
      return true;
    }
    await deleteOfFormer(sum).catch(() => undefined); // the key ends by itself
    return true;
  };
}
