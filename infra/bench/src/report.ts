/** Renders results as tables for people. */

/** In every figure with a ratio, higher is worse. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  /**
   * Of the second column, which is the bare loop unless `columns` says otherwise; null if it has no
   * such figure.
   */
  readonly bare: number | null;
}

export interface Target {
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  /** The target is met if `measured` is below this. */
  readonly below: number;
}

export interface BenchResult {
  readonly title: string;
  /** The titles of `ours` and `bare`. The default is qrcast and the bare loop. */
  readonly columns?: readonly [ours: string, other: string];
  readonly rows: readonly Row[];
  readonly targets: readonly Target[];
  /** What the figures do not show by themselves. */
  readonly notes: readonly string[];
}

export function isMet({ measured, below }: Target): boolean {
  return measured < below;
}

export function renderResult({ title, columns = ['qrcast', 'bare'], rows, targets, notes }: BenchResult): string {
  const cells = [
    ['', ...columns, 'ratio', ''],
    ...rows.map(({ what, unit, ours, bare }) => [what, figure(ours), figure(bare), ratio(ours, bare), unit]),
  ];
  const lines = [title, ...alignColumns(cells)];
  for (const target of targets) {
    const { what, measured, below, unit } = target;
    lines.push(`  ${isMet(target) ? 'met    ' : 'NOT MET'}  ${what}: ${figure(measured)} ${unit}, target below ${figure(below)} ${unit}`);
  }
  for (const note of notes) lines.push(`  note: ${note}`);
  return `${lines.join('\n')}\n`;
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
function figure(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '-';
  if (value >= 100) return Math.round(value).toLocaleString('en-GB');
  return value.toFixed(value >= 10 ? 1 : 2);
}

function ratio(ours: number, bare: number | null): string {
  return bare === null || !(bare > 0) ? '' : `${(ours / bare).toFixed(2)}×`;
}
