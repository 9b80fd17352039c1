/** Rules for tests that cannot wait for hours. */

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** The names of rules end in a duration, too, but behind a letter: `ratio_rate5m`. */
const DURATION = /\b(\d+)(ms|s|m|h|d)\b/g;

/**
 * Divides every duration in rules of Prometheus, windows as well as `for`. Thresholds and names stay
 * as they are.
 *
 * @param rules YAML
 */
export function scaleDurations(rules: string, divisor: number): string {
  return rules.replace(
    DURATION,
    (_whole, count: string, unit: keyof typeof UNIT_MS) => `${Math.max(1, Math.round((Number(count) * UNIT_MS[unit]) / divisor))}ms`,
  );
}
