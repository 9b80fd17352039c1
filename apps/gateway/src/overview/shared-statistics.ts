/**
 * The statistics and the weather, read once in some seconds for all who ask. A week of statistics is
 * 168 small reads, and one token may ask for it many times a minute.
 */

import type { Statistics } from '@qrcast/core/statistics';
import type { Weather } from '@qrcast/core/weather';
import type { StatisticsReader } from '@qrcast/runtime/statistics/statistics';
import { createSharedReads } from './shared-reads.ts';

/** Processes write what they have counted about as often. */
const KEEP_MS = 3_000;
/** Hours that are read: the fewest of these that have those asked for. Else 168 spans could be read one by one. */
const SPANS = [24, 168] as const;

export function shareStatistics(statistics: StatisticsReader, now: () => number): StatisticsReader {
  const shared = createSharedReads<Statistics>({ keepMs: KEEP_MS, now });
  const keyOf = (tenantId: string | null, span: number): string => `${span}:${tenantId ?? ''}`;
  return {
    async read(tenantId, hours) {
      const span = SPANS.find((one) => one >= hours) ?? hours;
      const read = await shared.read(keyOf(tenantId, span), () => statistics.read(tenantId, span));
      return { ...read, hours: read.hours.slice(-hours) };
    },
    async forgetTenant(tenantId) {
      await statistics.forgetTenant(tenantId);
      for (const span of SPANS) shared.forget(keyOf(tenantId, span));
    },
  };
}

export function shareWeather(readWeather: (minutes: number) => Promise<Weather>, now: () => number): (minutes: number) => Promise<Weather> {
  const shared = createSharedReads<Weather>({ keepMs: KEEP_MS, now });
  return (minutes) => shared.read(String(minutes), () => readWeather(minutes));
}
