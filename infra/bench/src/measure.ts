/** Times and their summaries. */

export interface Spread {
  readonly count: number;
  /** In the unit of the values; NaN if there are none. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Uses the nearest rank, so every figure is a measured one. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

/**
 * @returns milliseconds of the machine's monotonic clock. Unlike `performance.now()`, processes of
 * one machine can compare them.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
