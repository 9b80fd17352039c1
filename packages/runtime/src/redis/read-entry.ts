/**
 * Reads entries of Redis that another version, another program or a damaged disk may have written.
 * One that cannot be read counts as none, so that it blocks nothing.
 */

import type { Logger } from '../log.ts';

/** Null if `read` throws: the text is not JSON, or of an unknown shape. */
export function readOrNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** As `readOrNull`. `ids` name the entry in the log. */
export type ReadEntry = <T>(ids: Readonly<Record<string, string>>, read: () => T) => T | null;

/** Entries that are remembered as told. */
const MAX_TOLD = 1_000;

/** Warns once of each entry that `ids` name. */
export function createWarnOnce(log: Pick<Logger, 'warn'>, message: string): (ids: Readonly<Record<string, string>>) => void {
  const told = new Set<string>();
  return (ids) => {
    const name = JSON.stringify(ids);
    if (told.has(name)) return;
    if (told.size >= MAX_TOLD) told.clear();
    told.add(name);
    log.warn(ids, message);
  };
}

/**
 * Warns of each entry once. The warning names the entry, and tells nothing of its content. `entry`:
 * what kind of entry it is.
 */
export function createReadEntry(log: Pick<Logger, 'warn'>, entry: string): ReadEntry {
  const warn = createWarnOnce(log, 'an entry of Redis cannot be read and counts as none; another version may have written it');
  return (ids, read) => {
    const found = readOrNull(read);
    if (found === null) warn({ entry, ...ids });
    return found;
  };
}
