/** Lets all who ask for the same within a short time share one reading, the one under way included. */

export interface SharedReads<Value> {
  /** Calls `read` if nobody has lately. What it rejects with is kept for nobody but those who wait. */
  read(key: string, read: () => Promise<Value>): Promise<Value>;
  /** The next to ask reads anew. */
  forget(key: string): void;
}

export interface SharedReadsOptions {
  /** For how long a reading is kept after it has come. */
  readonly keepMs: number;
  /** Monotonic, ms. */
  readonly now: () => number;
}

interface Entry<Value> {
  readonly value: Promise<Value>;
  /** Infinite while the reading is under way. */
  endsAt: number;
}

export function createSharedReads<Value>({ keepMs, now }: SharedReadsOptions): SharedReads<Value> {
  /** Holds as many entries as different readings were asked for within `keepMs`. */
  const entries = new Map<string, Entry<Value>>();

  function dropOld(): void {
    const at = now();
    for (const [key, { endsAt }] of entries) if (endsAt <= at) entries.delete(key);
  }

  function begin(key: string, read: () => Promise<Value>): Entry<Value> {
    const entry: Entry<Value> = { value: read(), endsAt: Number.POSITIVE_INFINITY };
    entries.set(key, entry);
    entry.value.then(
      () => {
        entry.endsAt = now() + keepMs;
      },
      () => {
        if (entries.get(key) === entry) entries.delete(key);
      },
    );
    return entry;
  }

  return {
    read(key, read) {
      dropOld();
      return (entries.get(key) ?? begin(key, read)).value;
    },
    forget: (key) => void entries.delete(key),
  };
}
