/** The newest sessions of many lists, or a fair share of each. A list was read only from its newest end. */

/** Where a session stands among all others. */
export interface Place {
  readonly id: string;
  readonly tenantId: string;
  /** Unix ms. */
  readonly createdAt: number;
}

export interface NewestPart {
  /** The newest of the list, newest first. */
  readonly places: readonly Place[];
  /** The list has no others. */
  readonly isWhole: boolean;
}

/** Sorts as Redis does: by time, and ids of one moment by their bytes. */
export function newestFirst(a: Pick<Place, 'id' | 'createdAt'>, b: Pick<Place, 'id' | 'createdAt'>): number {
  if (a.createdAt !== b.createdAt) return b.createdAt - a.createdAt;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

/** The newest `count` of all parts, newest first. `isWhole`: there are no others. */
export function newestOf(parts: readonly NewestPart[], count: number): NewestPart {
  const all = parts.flatMap(({ places }) => places).sort(newestFirst);
  return { places: all.slice(0, count), isWhole: all.length <= count && parts.every(({ isWhole }) => isWhole) };
}

/**
 * Whether the list of `part` must be read further before `newest` holds the newest `count` of all
 * lists: what was not read of it may be newer than the last of them.
 */
export function mustReadOn({ places, isWhole }: NewestPart, newest: NewestPart, count: number): boolean {
  const [last, bound] = [places.at(-1), newest.places.at(-1)];
  if (isWhole) return false;
  if (newest.places.length < count || last === undefined || bound === undefined) return true;
  return newestFirst(last, bound) <= 0;
}

/**
 * In turns: the newest of each tenant, then the second of each, and so on. A tenant with many sessions
 * thus hides none of a tenant with few. `newest`: newest first, and so is each turn.
 */
export function inTurns<Item extends Pick<Place, 'tenantId'>>(newest: readonly Item[]): readonly Item[] {
  const counts = new Map<string, number>();
  const placed = newest.map((item) => {
    const turn = counts.get(item.tenantId) ?? 0;
    counts.set(item.tenantId, turn + 1);
    return { item, turn };
  });
  return placed.sort((a, b) => a.turn - b.turn).map(({ item }) => item);
}

/** The fair share of all parts, in turns. `isWhole`: there are no others. */
export function fairShareOf(parts: readonly NewestPart[], count: number): NewestPart {
  const all = inTurns(parts.flatMap(({ places }) => places).sort(newestFirst));
  return { places: all.slice(0, count), isWhole: all.length <= count && parts.every(({ isWhole }) => isWhole) };
}

/**
 * Whether lists that are not whole must be read further before they have the fair share of `count`.
 * Each was read equally far: if that is enough, no turn of the share goes beyond it.
 */
export function isShareShort(parts: readonly NewestPart[], count: number): boolean {
  return parts.reduce((sum, { places }) => sum + places.length, 0) < count;
}
