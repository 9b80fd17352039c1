/**
 * Draws the ratios of a result as SVG: a line for each ratio, a dot for each round, a bar at the
 * median. Left of 1 ours costs less, right of it more.
 */

import { type BenchResult, DEFAULT_COLUMNS, medianOf, ratiosOf } from './result.ts';

const WIDTH = 900;
const LABEL_WIDTH = 470;
const LINE_HEIGHT = 24;
const TOP = 56;
const MARGIN = 20;
const TICKS = [0.1, 0.2, 0.5, 0.8, 1, 1.3, 2, 3, 5, 10, 20, 50, 100];

interface Line {
  readonly label: string;
  readonly ratios: readonly number[];
}

/** @returns null if the result compares nothing */
export function renderPlot(result: BenchResult): string | null {
  const lines = linesOf(result);
  if (lines.length === 0) return null;
  const all = lines.flatMap(({ ratios }) => ratios);
  const [low, high] = [Math.min(0.8, ...all) * 0.9, Math.max(1.3, ...all) * 1.1];
  const x = (ratio: number): number => {
    const share = Math.log(ratio / low) / Math.log(high / low);
    return Math.round((LABEL_WIDTH + share * (WIDTH - LABEL_WIDTH - MARGIN)) * 10) / 10;
  };
  const height = TOP + lines.length * LINE_HEIGHT + MARGIN;
  const bottom = height - MARGIN;
  const ticks = TICKS.filter((tick) => tick >= low && tick <= high).map(
    (tick) =>
      `<line x1="${x(tick)}" x2="${x(tick)}" y1="${TOP - 10}" y2="${bottom}" stroke="${tick === 1 ? '#555' : '#ddd'}"/>` +
      `<text x="${x(tick)}" y="${TOP - 14}" text-anchor="middle" fill="#555">${tick}×</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${MARGIN}" y="22" font-size="14" font-weight="bold">${escapeXml(result.title)}</text>`,
    ...ticks,
    ...lines.map((line, index) => drawLine(line, TOP + (index + 0.5) * LINE_HEIGHT, x)),
    '</svg>',
    '',
  ].join('\n');
}

function linesOf({ columns = DEFAULT_COLUMNS, rows }: BenchResult): readonly Line[] {
  return rows.flatMap(({ what, ours, others }) =>
    columns.slice(1).flatMap((other, place) => {
      const ratios = ratiosOf(ours, others[place] ?? null).filter((ratio) => ratio > 0);
      return ratios.length === 0 ? [] : [{ label: `${what} ÷ ${other}`, ratios }];
    }),
  );
}

function drawLine({ label, ratios }: Line, y: number, x: (ratio: number) => number): string {
  const middle = x(medianOf(ratios));
  const dots = ratios.map((ratio) => `<circle cx="${x(ratio)}" cy="${y}" r="3.5" fill="#2b6cb0" fill-opacity="0.5"/>`);
  return (
    `<text x="${LABEL_WIDTH - 12}" y="${y + 4}" text-anchor="end">${escapeXml(label)}</text>${dots.join('')}` +
    `<line x1="${middle}" x2="${middle}" y1="${y - 7}" y2="${y + 7}" stroke="#1a365d" stroke-width="2"/>`
  );
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
