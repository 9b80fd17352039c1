import { createMeters } from '@qrcast/runtime/metrics/meters';
import { expect, it } from 'vitest';
import { createCallbackMeters, RELAYED } from './callback-meters.ts';

it.each(['session.ended', RELAYED])('begins the tries at 0, so that Prometheus sees the first as growth: %s', (type) => {
  const meters = createMeters();
  const { tried } = createCallbackMeters(meters);
  const tries = meters.counters.get('qrcast_callbacks_total')?.series;
  const before = tries?.size;
  tried(type, 'failed', 1_000);
  expect(before).toBeGreaterThan(0);
  expect(tries?.size).toBe(before);
});
