/** Lets each key through once in a window, and no more keys than `max`: what happens again and again is worth one entry. */
export function createSeldom({
  windowMs,
  max,
  now,
}: {
  readonly windowMs: number;
  readonly max: number;
  readonly now: () => number;
}): (key: string) => boolean {
  const seen = new Set<string>();
  let endsAt = 0;
  return (key) => {
    if (now() >= endsAt) {
      seen.clear();
      endsAt = now() + windowMs;
    }
    if (seen.has(key) || seen.size >= max) return false;
    seen.add(key);
    return true;
  };
}
