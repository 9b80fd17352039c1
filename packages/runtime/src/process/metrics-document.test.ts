import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { metricsPage } from './metrics-document.ts';

it('METRICS.md is made of the table: pnpm --filter @qrcast/runtime metrics', () => {
  expect(readFileSync(new URL('../../../../METRICS.md', import.meta.url), 'utf8')).toBe(metricsPage());
});

it('has lines of the width of all documents', () => {
  for (const line of metricsPage().split('\n')) expect(line.length).toBeLessThanOrEqual(100);
});
