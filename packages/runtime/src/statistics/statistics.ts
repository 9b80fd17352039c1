/**
 * The statistics of logins in Redis: a hash for each hour of the installation and of each tenant
 * (statistics.ts in core says what is in it), which ends by itself after a week.
 */

import type { StepTaken } from '@qrcast/core/attempt-progress';
import { HOUR_MS, STATISTICS_HOURS, type Statistics, statisticsFieldsOf, statisticsOf } from '@qrcast/core/statistics';
import type { Clock } from '../redis/clock.ts';
import { type Namespace, statisticsKey, tenantStatisticsKey } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { readSums } from './read-sums.ts';
import type { Sums } from './sums.ts';

const KEEP_MS = (STATISTICS_HOURS + 1) * HOUR_MS;

/** Counts the steps that a change took. `at`: of its event, Unix ms. */
export type CountSteps = (tenantId: string, steps: readonly StepTaken[], at: number) => void;

export function createStatisticsCount({
  sums,
  namespace,
}: {
  readonly sums: Pick<Sums, 'add'>;
  readonly namespace: Namespace;
}): CountSteps {
  return (tenantId, steps, at) => {
    if (steps.length === 0) return;
    const fields = steps.flatMap(statisticsFieldsOf);
    const hour = Math.floor(at / HOUR_MS);
    sums.add({ key: statisticsKey(namespace, hour), keepMs: KEEP_MS }, fields);
    sums.add({ key: tenantStatisticsKey(namespace, tenantId, hour), keepMs: KEEP_MS, tenantId }, fields);
  };
}

export interface StatisticsReader {
  /** Of the last hours, the current one included. `tenantId` null: of all tenants together. */
  read(tenantId: string | null, hours: number): Promise<Statistics>;
  /** Call it when the tenant is gone for good: who counts a step of it later deletes that, too. */
  forgetTenant(tenantId: string): Promise<void>;
}

export interface StatisticsReaderDeps {
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly clock: Clock;
}

export function createStatisticsReader({ redis, namespace, clock }: StatisticsReaderDeps): StatisticsReader {
  const keyOf = (tenantId: string | null, hour: number): string =>
    tenantId === null ? statisticsKey(namespace, hour) : tenantStatisticsKey(namespace, tenantId, hour);
  /** Oldest first. */
  const lastHours = (number: number): number[] => {
    const current = Math.floor(clock.now() / HOUR_MS);
    return Array.from({ length: number }, (_, n) => current - number + 1 + n);
  };

  return {
    async read(tenantId, hours) {
      const stored = lastHours(hours).map(async (hour) => ({
        startsAt: hour * HOUR_MS,
        fields: await readSums(redis, keyOf(tenantId, hour)),
      }));
      return statisticsOf(await Promise.all(stored));
    },
    async forgetTenant(tenantId) {
      await redis.del(...lastHours(STATISTICS_HOURS + 1).map((hour) => keyOf(tenantId, hour)));
    },
  };
}
