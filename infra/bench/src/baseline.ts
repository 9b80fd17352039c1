/**
 * Compares a run with the committed one. Only ratios are compared, because they vary far less from
 * machine to machine than the figures.
 */

import { type BenchResult, DEFAULT_COLUMNS, medianOf, ratiosOf } from './result.ts';

/** Of the committed ratio. */
const MOST_DRIFT = 0.15;

export interface Drift {
  /** The row, and what ours is compared with. */
  readonly what: string;
  readonly committed: number;
  /** NaN if the run has no such ratio. */
  readonly measured: number;
  readonly verdict: 'same' | 'worse' | 'better' | 'missing';
}

/** @returns every ratio that the committed result marks as checked */
export function driftsOf(committed: BenchResult, measured: BenchResult): readonly Drift[] {
  const [, ...others] = committed.columns ?? DEFAULT_COLUMNS;
  const columns = (measured.columns ?? DEFAULT_COLUMNS).slice(1);
  return committed.rows.flatMap((row) => {
    if (row.isChecked !== true) return [];
    const now = measured.rows.find(({ what }) => what === row.what);
    return others.flatMap((other, place) => {
      const before = ratiosOf(row.ours, row.others[place] ?? null);
      if (before.length === 0) return [];
      const after = now === undefined ? [] : ratiosOf(now.ours, now.others[columns.indexOf(other)] ?? null);
      return [driftOf(`${row.what}, beside ${other}`, medianOf(before), medianOf(after))];
    });
  });
}

function driftOf(what: string, committed: number, measured: number): Drift {
  const drift = measured / committed - 1;
  const verdict = Number.isNaN(drift) ? 'missing' : drift > MOST_DRIFT ? 'worse' : drift < -MOST_DRIFT ? 'better' : 'same';
  return { what, committed, measured, verdict };
}

/** Better is a drift too: the committed result no longer says what qrcast costs. */
export function hasDrifted({ verdict }: Drift): boolean {
  return verdict !== 'same';
}

export function renderDrift({ what, committed, measured, verdict }: Drift): string {
  const now = Number.isNaN(measured) ? 'not measured' : `${measured.toFixed(2)}×`;
  return `  ${verdict.padEnd(7)}  ${what}: ${now}, committed ${committed.toFixed(2)}×`;
}
