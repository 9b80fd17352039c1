import { expect, it } from 'vitest';
import { renderPlot } from './plot.ts';
import type { BenchResult } from './result.ts';

const result: BenchResult = {
  title: 'relay <ws>',
  columns: ['qrcast', 'bare', 'stock & adapter'],
  rows: [
    {
      what: 'CPU',
      unit: 'µs',
      ours: [2, 3, 4],
      others: [
        [1, 1, 1],
        [4, 4, 4],
      ],
    },
    { what: 'RSS', unit: 'MB', ours: 5, others: [] },
  ],
  targets: [],
  notes: [],
};

it('draws a line for each ratio and a dot for each round, and escapes the texts', () => {
  const svg = renderPlot(result) ?? '';
  expect(svg.match(/<circle/g)).toHaveLength(6);
  expect(svg).toContain('relay &lt;ws&gt;');
  expect(svg).toContain('CPU ÷ stock &amp; adapter');
  expect(svg).not.toContain('RSS');
});

it('puts higher ratios further to the right', () => {
  const places = [...(renderPlot(result) ?? '').matchAll(/<circle cx="([\d.]+)"/g)].map(([, place]) => Number(place));
  expect([...places].sort((a, b) => a - b)).toEqual([3, 4, 5, 0, 1, 2].map((index) => places[index]));
});

it('draws nothing for a result that compares nothing', () => {
  expect(renderPlot({ ...result, rows: result.rows.slice(1) })).toBeNull();
});
