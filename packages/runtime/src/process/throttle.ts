/** Limits how often a repeated event is logged. */

const EVERY_MS = 60_000;

/**
 * Call the result for each occurrence of `key`. It returns null if the occurrence is not to be
 * logged: each key is logged once a minute. Otherwise it returns how many were left out since the
 * last one. `now`: monotonic, ms. Keys are never forgotten, so there must be few.
 */
export function createThrottle(now: () => number): (key: string) => number | null {
  const told = new Map<string, { at: number; leftOut: number }>();
  return (key) => {
    const last = told.get(key);
    if (last !== undefined && now() - last.at < EVERY_MS) {
      last.leftOut++;
      return null;
    }
    told.set(key, { at: now(), leftOut: 0 });
    return last?.leftOut ?? 0;
  };
}
