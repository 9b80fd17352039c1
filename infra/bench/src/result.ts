/** What a benchmark measured. Everything here is plain JSON, and is kept as it is. */

/** The values of the rounds, in their order. A figure that is measured once is a number. */
export type Values = number | readonly number[];

/** In every figure with a ratio, higher is worse. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly ours: Values;
  /** One for each further column; null if it has no such figure. */
  readonly others: readonly (Values | null)[];
  /** Its ratios vary little from run to run, so `--check` compares them with the committed ones. */
  readonly isChecked?: boolean;
}

export interface Target {
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  /** The target is met if `measured` is at most this. */
  readonly most: number;
}

export interface BenchResult {
  readonly title: string;
  /** The name of ours, and of what it is compared with. The default is qrcast and the bare loop. */
  readonly columns?: readonly string[];
  readonly rows: readonly Row[];
  readonly targets: readonly Target[];
  /** What the figures do not show by themselves. */
  readonly notes: readonly string[];
  /** Everything that a long run measured, by figure and in the order of time. They are in no table. */
  readonly samples?: Readonly<Record<string, readonly number[]>>;
}

export const DEFAULT_COLUMNS: readonly string[] = ['qrcast', 'bare'];

export function isMet({ measured, most }: Target): boolean {
  return measured <= most;
}

/** @returns the middle one, or the mean of the two in the middle; NaN if there are none */
export function medianOf(values: Values): number {
  if (typeof values === 'number') return values;
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/**
 * @returns ours divided by the other's, round by round, because both of one round had the same
 * machine; one ratio of the medians if the rounds are not the same ones; none if there is nothing to divide by
 */
export function ratiosOf(ours: Values, other: Values | null): readonly number[] {
  if (other === null) return [];
  if (typeof ours === 'number' || typeof other === 'number' || ours.length !== other.length) {
    return finite([medianOf(ours) / medianOf(other)]);
  }
  return finite(ours.map((value, round) => value / (other[round] ?? Number.NaN)));
}

function finite(ratios: readonly number[]): readonly number[] {
  return ratios.every((ratio) => Number.isFinite(ratio)) ? ratios : [];
}
