/** Times and their summaries. */

export interface Spread {
  readonly count: number;
  /** All in the unit of the values, NaN if there are none. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Nearest rank: every figure is one that was measured. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Milliseconds by the machine's monotonic clock: comparable between processes of one machine, unlike `performance.now()`. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
