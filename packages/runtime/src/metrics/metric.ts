/** What a metric is. metric-table.ts names them all. */

/** Who has the metric: `start` is both. */
export type MetricOwner = 'gateway' | 'worker';

/**
 * All values that a label can have, or how many it may get. Whatever else comes counts as `other`, so
 * no label grows without bound.
 */
export type LabelValues = readonly string[] | { readonly atMost: number; readonly what: string };

export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What it says, with its unit where the name has none. */
  readonly help: string;
  readonly labels: Readonly<Record<string, LabelValues>>;
  readonly of: readonly MetricOwner[];
  /** Of a gauge that several parts of a process read: what becomes of their readings. Their sum if left out. */
  readonly combine?: 'min' | 'max';
  /** Upper bounds of the buckets of a histogram. */
  readonly buckets?: readonly number[];
}

export const OTHER = 'other';

/** Seconds, around the objective of 50 ms. */
export const DELIVERY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5] as const;
