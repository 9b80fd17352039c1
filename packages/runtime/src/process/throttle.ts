/** For what can happen at any rate and is to be told of now and then. */

const EVERY_MS = 60_000;

/**
 * To be called for each occurrence. Returns how often it was left out since it was last told, or null if it is to be left out now: each key
 * is told once a minute. `now`: ms, need not be the time of day. Keys are kept for good, so there must be few.
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
