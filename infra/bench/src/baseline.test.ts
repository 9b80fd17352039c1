import { expect, it } from 'vitest';
import { driftsOf, hasDrifted, renderDrift } from './baseline.ts';
import type { BenchResult } from './result.ts';

function result(ours: readonly number[], columns = ['qrcast', 'bare']): BenchResult {
  const rows = [
    { what: 'CPU', unit: 'µs', ours, others: [[10, 10, 10]], isChecked: true },
    { what: 'p99', unit: 'ms', ours: ours.map((value) => value * 9), others: [[1, 1, 1]] },
  ];
  return { title: 'relay', columns, rows, targets: [], notes: [] };
}

it.each([
  [[22.9, 22.9, 22.9], 'same'],
  [[23.1, 23.1, 23.1], 'worse'],
  [[16.9, 16.9, 16.9], 'better'],
  [[20, 90, 20], 'same'],
] as const)('compares the checked ratios alone: %j is %s', (ours, verdict) => {
  const drifts = driftsOf(result([20, 20, 20]), result(ours));
  expect(drifts.map((drift) => [drift.what, drift.verdict, hasDrifted(drift)])).toEqual([
    ['CPU, beside bare', verdict, verdict !== 'same'],
  ]);
});

it('says that a ratio was not measured, and counts it as a drift', () => {
  const [drift] = driftsOf(result([20, 20, 20]), result([20, 20, 20], ['qrcast', 'stock']));
  expect(drift && [hasDrifted(drift), renderDrift(drift)]).toEqual([true, '  missing  CPU, beside bare: not measured, committed 2.00×']);
});
