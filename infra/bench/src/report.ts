/** Renders results as tables for people. */

import { type BenchResult, DEFAULT_COLUMNS, isMet, medianOf, type Row, ratiosOf, type Values } from './result.ts';

/** Medians. Behind one of several rounds stands how far the rounds lie from it, at most. */
export function renderResult({ title, columns = DEFAULT_COLUMNS, rows, targets, notes }: BenchResult): string {
  const [name = '', ...others] = columns;
  const cells = [['', name, ...others.flatMap((other) => [other, 'ratio']), ''], ...rows.map((row) => cellsOf(row, others.length))];
  const lines = [title, ...alignColumns(cells)];
  for (const target of targets) {
    const { what, measured, most, unit } = target;
    lines.push(`  ${isMet(target) ? 'met    ' : 'NOT MET'}  ${what}: ${figure(measured)} ${unit}, target at most ${figure(most)} ${unit}`);
  }
  for (const note of notes) lines.push(`  note: ${note}`);
  return `${lines.join('\n')}\n`;
}

function cellsOf({ what, unit, ours, others }: Row, columns: number): string[] {
  const compared = Array.from({ length: columns }, (_, i) => {
    const ratios = ratiosOf(ours, others[i] ?? null);
    return [withSpread(others[i] ?? null), ratios.length === 0 ? '' : `${medianOf(ratios).toFixed(2)}×`];
  });
  return [what, withSpread(ours), ...compared.flat(), unit];
}

function withSpread(values: Values | null): string {
  const middle = values === null ? Number.NaN : medianOf(values);
  if (values === null || typeof values === 'number' || values.length < 2 || !(middle > 0)) return figure(middle);
  const furthest = Math.max(...values.map((value) => Math.abs(value - middle)));
  return `${figure(middle)} ±${Math.round((furthest / middle) * 100)}%`;
}

function alignColumns(cells: readonly (readonly string[])[]): string[] {
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) => {
    const [first = '', ...rest] = row;
    const figures = rest.slice(0, -1).map((cell, i) => cell.padStart((widths[i + 1] ?? 0) + 2));
    return `  ${first.padEnd(widths[0] ?? 0)}${figures.join('')}  ${rest.at(-1) ?? ''}`.trimEnd();
  });
}

/** A shared machine does not give more than three significant digits. */
function figure(value: number): string {
  if (Number.isNaN(value)) return '-';
  if (value >= 100) return Math.round(value).toLocaleString('en-GB');
  return value.toFixed(value >= 10 ? 1 : 2);
}
