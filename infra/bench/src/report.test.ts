import { expect, it } from 'vitest';
import { renderResult } from './report.ts';

it('shows our figure beside the bare one, and says which targets are met', () => {
  const text = renderResult({
    title: 'relay',
    rows: [
      { what: 'p50', unit: 'ms', ours: 3, others: [2] },
      { what: 'gateway RSS', unit: 'MB', ours: 1_234, others: [] },
    ],
    targets: [
      { what: 'p99', measured: 14.9, unit: 'ms', most: 15 },
      { what: 'RSS', measured: 250.1, unit: 'MB', most: 250 },
    ],
    notes: ['noisy'],
  });
  expect(text.split('\n')).toEqual([
    'relay',
    '               qrcast  bare  ratio',
    '  p50            3.00  2.00  1.50×  ms',
    '  gateway RSS   1,234     -         MB',
    '  met      p99: 14.9 ms, target at most 15.0 ms',
    '  NOT MET  RSS: 250 MB, target at most 250 MB',
    '  note: noisy',
    '',
  ]);
});
