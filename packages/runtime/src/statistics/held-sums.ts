/** Sums in memory that wait to be written to Redis. */

import type { Logger } from '../log.ts';

/** Of a hash in Redis. */
export interface SumTarget {
  readonly key: string;
  /** For how long it is kept after the last write, ms. */
  readonly keepMs: number;
  /** Set if it belongs to a tenant. It is deleted if the tenant is gone when it is written. */
  readonly tenantId?: string;
}

export interface Sum extends SumTarget {
  /** What is to be added to each field. */
  readonly fields: ReadonlyMap<string, number>;
}

export interface HeldSums {
  readonly size: () => number;
  /** Lost if too many sums are held. The log says so once, until all have been written. */
  add(target: SumTarget, fields: Iterable<readonly [field: string, count: number]>): void;
  takeAll(): readonly Sum[];
  /** Redis has taken all that were held. */
  noteWritten(): void;
}

/** Hashes of tenants that are held, up to 1 kB each. */
const MAX_OF_TENANTS = 2_000;
/** With those of the installation, of which there are one a minute and one an hour. */
const MAX_HELD = 2_400;

export function createHeldSums(log: Pick<Logger, 'warn'>): HeldSums {
  let held = new Map<string, SumTarget & { readonly fields: Map<string, number> }>();
  let isLosing = false;

  function fieldsOf(target: SumTarget): Map<string, number> | null {
    const known = held.get(target.key);
    if (known !== undefined) return known.fields;
    if (held.size >= (target.tenantId === undefined ? MAX_HELD : MAX_OF_TENANTS)) {
      if (!isLosing) log.warn({ held: held.size }, 'statistics are lost; too many wait for Redis');
      isLosing = true;
      return null;
    }
    const fields = new Map<string, number>();
    held.set(target.key, { ...target, fields });
    return fields;
  }

  return {
    size: () => held.size,
    add(target, counts) {
      const fields = fieldsOf(target);
      for (const [field, count] of counts) fields?.set(field, (fields.get(field) ?? 0) + count);
    },
    takeAll() {
      const all = [...held.values()];
      held = new Map();
      return all;
    },
    noteWritten() {
      isLosing = false;
    },
  };
}
