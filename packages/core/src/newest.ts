/** The newest sessions of many lists, each of which was read only from its newest end. */

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
