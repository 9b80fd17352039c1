import { RefusedError } from '@qrcast/core/errors';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import { expect, it } from 'vitest';
import { quotaExceeded, rateExceeded } from '../limits/tenant-limits.ts';
import { beginRefusals, countRefusal } from './refusals.ts';

it('refusals have their series before the first, and no refusal makes another one', () => {
  const meters = createMeters();
  beginRefusals(meters);
  const series = meters.counters.get('qrcast_refusals_total')?.series;
  const before = [...(series?.keys() ?? [])];
  expect(before.length).toBeGreaterThan(25);
  expect(before.length).toBeLessThan(60);
  for (const refusal of [
    new RefusedError('not_found', 'words'),
    quotaExceeded('viewersPerSession', 1),
    rateExceeded('requestsPerMinute', 1, 1_000),
  ]) {
    countRefusal({ meters }, refusal);
  }
  expect([...(series?.keys() ?? [])]).toEqual(before);
  expect([...(series?.values() ?? [])].filter(({ at }) => at.value === 1)).toHaveLength(3);
});
