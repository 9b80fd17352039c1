/** Rules for tests that cannot wait for hours. */

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 } as const;
/**
 * One or several of a number and a unit: `1h30m`. The names of rules end in a duration, too, but
 * behind a letter: `ratio_rate5m`.
 */
const DURATION = /\b(?:\d+(?:ms|[smhdwy]))+\b/g;
const PART = /(\d+)(ms|[smhdwy])/g;

/**
 * Divides every duration in rules of Prometheus, windows as well as `for`. Thresholds and names stay
 * as they are.
 *
 * @param rules YAML
 */
export function scaleDurations(rules: string, divisor: number): string {
  return rules.replace(DURATION, (duration) => `${Math.max(1, Math.round(msOf(duration) / divisor))}ms`);
}

function msOf(duration: string): number {
  const parts = [...duration.matchAll(PART)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS], 0); // as the pattern has it
}
