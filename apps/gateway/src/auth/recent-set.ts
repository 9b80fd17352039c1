/**
 * A set of the strings that were added lately. It is bounded: the oldest string is removed.
 */

export interface RecentSet {
  has(one: string): boolean;
  /** Makes it the latest, also if it was in the set already. */
  add(one: string): void;
  delete(one: string): void;
}

export function createRecentSet(max: number): RecentSet {
  const recent = new Set<string>();
  return {
    has: (one) => recent.has(one),
    delete: (one) => void recent.delete(one),
    add(one) {
      recent.delete(one);
      recent.add(one);
      const [oldest] = recent;
      if (recent.size > max && oldest !== undefined) recent.delete(oldest);
    },
  };
}
