import { describe, expect, test } from 'vitest';
import { createMeters } from './meters.ts';
import type { Metric } from './metric.ts';
import { METRICS } from './metric-table.ts';

const seriesOf = (meters: ReturnType<typeof createMeters>, name: string): unknown[] =>
  [...(meters.counters.get(name)?.series.values() ?? [])].map(({ labels, at }) => ({ ...labels, value: at.value }));

describe('a counter', () => {
  test('has one series for each set of labels', () => {
    const meters = createMeters();
    const [one, other] = [
      { code: 'forbidden', limit: '' },
      { code: 'not_found', limit: '' },
    ] as const;
    meters.counter('qrcast_refusals_total', one).add();
    meters.counter('qrcast_refusals_total', other).add(3);
    meters.counter('qrcast_refusals_total', one).add();
    expect(seriesOf(meters, 'qrcast_refusals_total')).toEqual([
      { ...one, value: 2 },
      { ...other, value: 3 },
    ]);
  });

  test('counts a value that its table does not name as other', () => {
    const meters = createMeters();
    for (const code of ['a new one', 'another']) meters.counter('qrcast_refusals_total', { code, limit: '' }).add();
    expect(seriesOf(meters, 'qrcast_refusals_total')).toEqual([{ code: 'other', limit: '', value: 2 }]);
  });
});

test('a label that anybody can fill has no more values than its table allows', () => {
  const meters = createMeters();
  const { atMost } = METRICS.qrcast_poll_seconds.labels.host;
  for (let n = 0; n < 10 * atMost; n++) meters.histogram('qrcast_poll_seconds', { outcome: 'code', host: `${n}.example` }).observe(1);
  const hosts = [...(meters.histograms.get('qrcast_poll_seconds')?.series.values() ?? [])].map(({ labels }) => labels['host']);
  expect(hosts).toHaveLength(atMost + 1);
  expect(hosts.at(-1)).toBe('other');
});

test('a histogram counts a value in the first bucket that holds it', () => {
  const seconds = createMeters().histogram('qrcast_time_to_first_code_seconds', {});
  const { buckets } = METRICS.qrcast_time_to_first_code_seconds;
  for (const value of [0, buckets[0], buckets[0] + 0.001, 1_000]) seconds.observe(value);
  expect(seconds.counts).toEqual([2, 1, ...buckets.slice(2).map(() => 0), 1]);
  expect(seconds.sum).toBeCloseTo(1_000 + 2 * buckets[0] + 0.001);
});

test('only the tenants that the operator names have a label', () => {
  const meters = createMeters(['acme']);
  expect(['acme', 'globex'].map(meters.tenantLabel)).toEqual(['acme', '']);
});

test.each(Object.entries<Metric>(METRICS))(
  '%s has a name, a text and buckets as Prometheus wants them',
  (name, { type, help, buckets }) => {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(help).toMatch(/^[A-Z0-9].*\.$/s);
    expect(buckets !== undefined).toBe(type === 'histogram');
    expect(buckets?.toSorted((a, b) => a - b)).toEqual(buckets);
  },
);
