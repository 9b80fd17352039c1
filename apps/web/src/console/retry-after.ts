/** When the gateway, or a proxy before it, wants to be asked again. */

/** Whoever asks for more is asked again after this. The gateway itself never asks for as much. */
const LONGEST_MS = 3_600_000;

/**
 * @param header `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3)
 * @param ownMs `retryAfterMs` of the gateway, which is more exact
 * @param now of the local clock, Unix ms
 * @returns ms of the same clock; null if no time was named
 */
export function retryAtOf(header: string | null, ownMs: unknown, now: number): number | null {
  const ms = typeof ownMs === 'number' ? ownMs : /^\s*\d+\s*$/.test(header ?? '') ? Number(header) * 1_000 : Date.parse(header ?? '') - now;
  return Number.isFinite(ms) && ms >= 0 ? now + Math.min(LONGEST_MS, ms) : null;
}
