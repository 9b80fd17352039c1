/** How often something happened in an interval, counted over whole intervals from its first time. */

export interface Frequency {
  /** Between two times that followed each other. */
  readonly gaps: number;
  /** How many intervals long all gaps are together. */
  readonly intervals: number;
  /** NaN without a gap. */
  readonly shortestGapMs: number;
}

/** What comes so much earlier than after a whole interval still counts as after it. */
const EARLY_SHARE = 0.02;

/** @param times rising, ms. Those after the last whole interval count only for the shortest gap. */
export function frequencyOf(times: readonly number[], intervalMs: number): Frequency {
  const [first = Number.NaN, last = Number.NaN] = [times[0], times.at(-1)];
  const whole = Math.floor((last - first) / intervalMs + EARLY_SHARE);
  const end = nearest(times, first + whole * intervalMs);
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? Number.NaN));
  return {
    gaps: Math.max(0, end),
    intervals: end > 0 ? ((times[end] ?? Number.NaN) - first) / intervalMs : 0,
    shortestGapMs: gaps.length === 0 ? Number.NaN : gaps.reduce((least, gap) => Math.min(least, gap)),
  };
}

/** @returns the index of the time that is nearest to `to`; -1 if there is none */
function nearest(times: readonly number[], to: number): number {
  const distances = times.map((at) => Math.abs(at - to));
  return distances.indexOf(distances.reduce((least, distance) => Math.min(least, distance), Number.POSITIVE_INFINITY));
}

/** How often it happened in an interval, over all of them; NaN without a gap. */
export function timesPerInterval(frequencies: readonly Frequency[]): number {
  const sum = (of: (one: Frequency) => number): number => frequencies.reduce((total, one) => total + of(one), 0);
  return sum(({ gaps }) => gaps) / sum(({ intervals }) => intervals);
}
