/**
 * Whether this Node has known security holes that affect us. No audit of packages looks at Node
 * itself.
 */

/**
 * The first release of each line with the fixes of Node's security release of 2026-10-21. Its holes
 * affect us: TLS host names (requests to the provider and to callbacks), names given to the
 * resolver, and Brotli. `engines` in package.json says the same.
 */
const SAFE_FROM: Readonly<Record<number, string>> = { 22: '22.23.4', 24: '24.22.1', 26: '26.12.1' };
const NEWEST_LINE = 26;

/** The version to use instead of `version` (`24.21.0`). Null: it has no hole that we know of. */
export function betterNodeThan(version: string): string | null {
  const [major = 0] = partsOf(version);
  if (major > NEWEST_LINE) return null;
  const safe = SAFE_FROM[major] ?? SAFE_FROM[NEWEST_LINE] ?? '';
  return isBefore(version, safe) ? safe : null;
}

function isBefore(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)];
  const at = a.findIndex((part, i) => part !== b[i]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

const partsOf = (version: string): number[] => version.split('.').map(Number);
