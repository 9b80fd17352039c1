/** Tables of text for a terminal. Pure. */

import { visibleWidth } from './frame.ts';

const GAP = '  ';
const CUT = '…';
const graphemes = new Intl.Segmenter();

export interface TableColumn {
  readonly title: string;
  /** Its cells may be cut to this width. Undefined if a part of one says nothing. */
  readonly narrowest?: number;
  /** The column with the greatest number is left out first. 0 is never left out. */
  readonly leftOut: number;
}

interface Sized extends TableColumn {
  /** Its place in each row. */
  readonly index: number;
  readonly width: number;
}

/** @returns lines with columns as wide as their longest cell; the first is the head */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const sized = sizedOf(
    head.map((title) => ({ title, leftOut: 0 })),
    rows,
  );
  return [head, ...rows].map((row) => lineOf(sized, row));
}

/**
 * The same within a width. Long cells are cut first, then columns are left out.
 *
 * @returns lines that may be wider only if the columns that are never left out are
 */
export function tableWithin(width: number, columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string[] {
  const sized = fitted(sizedOf(columns, rows), width);
  return [columns.map(({ title }) => title), ...rows].map((row) => lineOf(sized, row));
}

/** @returns the beginning of the text, at most so many columns wide, with … for the rest */
export function cutTo(width: number, text: string): string {
  if (visibleWidth(text) <= width) return text;
  let kept = '';
  for (const { segment } of graphemes.segment(text)) {
    if (visibleWidth(`${kept}${segment}${CUT}`) > width) break;
    kept += segment;
  }
  return width < 1 ? '' : `${kept}${CUT}`;
}

function sizedOf(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): Sized[] {
  return columns.map((column, index) => {
    const widths = rows.map((row) => visibleWidth(row[index] ?? ''));
    return { ...column, index, width: widths.reduce((most, width) => Math.max(most, width), visibleWidth(column.title)) };
  });
}

function fitted(columns: readonly Sized[], width: number): readonly Sized[] {
  const over = columns.reduce((sum, column) => sum + column.width + GAP.length, -GAP.length) - width;
  if (over <= 0) return columns;
  const spare = columns.map(spareOf);
  if (spare.reduce((sum, some) => sum + some, 0) >= over) return narrowed(columns, over);
  const next = columns.reduce((most, column) => (column.leftOut > most.leftOut ? column : most));
  if (next.leftOut === 0) return narrowed(columns, over);
  return fitted(
    columns.filter((column) => column !== next),
    width,
  );
}

/** The widest column gives way first, column by column of the terminal. */
function narrowed(columns: readonly Sized[], over: number): readonly Sized[] {
  const narrow = columns.map((column) => ({ ...column }));
  for (let left = over; left > 0; left--) {
    const widest = narrow.reduce((most, column) =>
      spareOf(column) > 0 && (spareOf(most) <= 0 || column.width > most.width) ? column : most,
    );
    if (spareOf(widest) <= 0) break;
    widest.width--;
  }
  return narrow;
}

const spareOf = ({ width, narrowest = width }: Sized): number => width - narrowest;

function lineOf(columns: readonly Sized[], row: readonly string[]): string {
  const cells = columns.map(({ index, width }) => {
    const cell = cutTo(width, row[index] ?? '');
    return `${cell}${' '.repeat(Math.max(0, width - visibleWidth(cell)))}`;
  });
  return cells.join(GAP).trimEnd();
}
