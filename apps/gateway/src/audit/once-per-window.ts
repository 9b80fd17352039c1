/**
 * Tells what is new in a window from what happens again and again and is worth one entry. Each group has room for so many keys of its own, so
 * that nobody can fill another's.
 */

export interface OncePerWindowOptions {
  readonly windowMs: number;
  /** Keys remembered of one group in one window. */
  readonly maxInGroup: number;
  readonly now: () => number;
}

/** `full`: the group has no room for it, so it may be either. What to do then is the caller's to say. */
export type OncePerWindow = (group: string, key: string) => 'new' | 'again' | 'full';

export function createOncePerWindow({ windowMs, maxInGroup, now }: OncePerWindowOptions): OncePerWindow {
  const groups = new Map<string, Set<string>>();
  let endsAt = 0;
  return (group, key) => {
    if (now() >= endsAt) {
      groups.clear();
      endsAt = now() + windowMs;
    }
    const seen = groups.get(group) ?? new Set();
    groups.set(group, seen);
    if (seen.has(key)) return 'again';
    if (seen.size >= maxInGroup) return 'full';
    seen.add(key);
    return 'new';
  };
}
