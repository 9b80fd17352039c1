/** Whether the Node we run under is known to be unsafe for what we do: it is the one library that no audit of packages looks at. */

/**
 * The first release of each line without the holes of Node's security release of 2026-10-21, which reach us: TLS host names (what we ask the
 * provider and post to callbacks), names given to the resolver, and Brotli. package.json's `engines` say the same.
 */
const SOUND_FROM: Readonly<Record<number, string>> = { 22: '22.23.4', 24: '24.22.1', 26: '26.12.1' };
const NEWEST_LINE = 26;

/** What to run under instead of `version` (`24.21.0`); null: it is sound as far as we know. */
export function betterNodeThan(version: string): string | null {
  const [major = 0] = partsOf(version);
  if (major > NEWEST_LINE) return null;
  const sound = SOUND_FROM[major] ?? SOUND_FROM[NEWEST_LINE] ?? '';
  return isBefore(version, sound) ? sound : null;
}

function isBefore(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)];
  const at = a.findIndex((part, i) => part !== b[i]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

const partsOf = (version: string): number[] => version.split('.').map(Number);
