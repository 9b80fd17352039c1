/** Only durations become shorter. The live test of the alerts relies on that. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scaleDurations } from './scale-durations.ts';

const alerts = readFileSync(new URL('../alerts.yaml', import.meta.url), 'utf8');
/** A window in a query, or what an alert waits before it fires. */
const PLACES = /\[\w+\]|for: \w+/g;

test.each([
  ['rate(a_total[5m])', 'rate(a_total[10000ms])'],
  ['for: 1m', 'for: 2000ms'],
  ['increase(a_total[6h]) > 50', 'increase(a_total[720000ms]) > 50'],
  ['a_seconds > 15', 'a_seconds > 15'],
  ['a:b:ratio_rate1h > 14.4 * 0.01', 'a:b:ratio_rate1h > 14.4 * 0.01'],
  ['summary: no code within 10 s', 'summary: no code within 10 s'],
  ['rate(a_total[1h30m])', 'rate(a_total[180000ms])'],
  ['for: 1m30s500ms', 'for: 3017ms'],
  ['increase(a_total[1w])', 'increase(a_total[20160000ms])'],
  ['a:b:ratio_rate1h30m > 1', 'a:b:ratio_rate1h30m > 1'],
  ['for: 1ms', 'for: 1ms'], // 0 would be no window
])('%s by 30: %s', (rule, scaled) => {
  expect(scaleDurations(rule, 30)).toBe(scaled);
});

test('every window and wait of the alerts is scaled, and nothing else changes', () => {
  const scaled = scaleDurations(alerts, 30);
  expect(alerts.match(PLACES)?.length).toBeGreaterThan(30);
  for (const place of scaled.match(PLACES) ?? []) expect(place).toMatch(/\d+ms\]?$/);
  expect(scaled.replaceAll(PLACES, '')).toBe(alerts.replaceAll(PLACES, ''));
});

test('undivided, the durations are the same in milliseconds', () => {
  expect(scaleDurations('[5m] [1h] 30s 2d', 1)).toBe('[300000ms] [3600000ms] 30000ms 172800000ms');
});
