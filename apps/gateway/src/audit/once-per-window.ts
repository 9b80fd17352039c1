/**
 * Tells what is new in a window of time from what was seen in it before, so that a repeated event
 * gets one entry. Each group has its own bound of keys, so one group cannot displace the keys of
 * another.
 */

export interface OncePerWindowOptions {
  readonly windowMs: number;
  /** Keys remembered for one group in one window. */
  readonly maxInGroup: number;
  readonly now: () => number;
}

/**
 * `full`: the group has reached its bound, so the key may be new or not. The caller decides what to
 * do.
 */
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
