/** How a figure develops over a long run. */

import { medianOf } from './result.ts';

/** A figure at a time of the run, in minutes. */
export interface Sample {
  readonly minute: number;
  readonly value: number;
}

/** Single samples vary, so this many are taken together at both ends. */
const TOGETHER = 10;

export interface Trend {
  /** The median of the first samples after the settling. */
  readonly first: number;
  /** The median of the last samples. */
  readonly last: number;
  /** Of the line through all samples after the settling with the least squares. */
  readonly perHour: number;
}

/** @param settleMinutes samples before it do not count; NaN if there are none after it */
export function trendOf(samples: readonly Sample[], settleMinutes: number): Trend {
  const settled = samples.filter(({ minute }) => minute >= settleMinutes);
  const together = Math.max(1, Math.min(TOGETHER, Math.floor(settled.length / 2)));
  const values = settled.map(({ value }) => value);
  return { first: medianOf(values.slice(0, together)), last: medianOf(values.slice(-together)), perHour: slopeOf(settled) * 60 };
}

/** @returns the growth for each minute */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number => samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const [minute, value] = [mean((one) => one.minute), mean((one) => one.value)];
  return mean((one) => (one.minute - minute) * (one.value - value)) / mean((one) => (one.minute - minute) ** 2);
}
