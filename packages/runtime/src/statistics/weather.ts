/**
 * The weather of the provider in Redis: a hash for each minute (weather.ts in core says what is in it),
 * which ends by itself after three hours.
 */

import { MINUTE_MS, WEATHER_MINUTES, type Weather, weatherFieldsOf, weatherOf } from '@qrcast/core/weather';
import type { Clock } from '../redis/clock.ts';
import { type Namespace, weatherKey } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { readSums } from './read-sums.ts';
import type { Sums } from './sums.ts';

const KEEP_MS = (WEATHER_MINUTES + 1) * MINUTE_MS;

/** Counts an answer that has just come. `host`: one of few, because each stays for hours. */
export type CountAnswer = (host: string, outcome: string, tookMs: number) => void;

export interface WeatherCountDeps {
  readonly sums: Pick<Sums, 'add'>;
  readonly namespace: Namespace;
  readonly clock: Clock;
}

export function createWeatherCount({ sums, namespace, clock }: WeatherCountDeps): CountAnswer {
  return (host, outcome, tookMs) => {
    const key = weatherKey(namespace, Math.floor(clock.now() / MINUTE_MS));
    sums.add({ key, keepMs: KEEP_MS }, weatherFieldsOf(host, outcome, tookMs));
  };
}

export interface WeatherReaderDeps {
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly clock: Clock;
}

/** What it returns reads the last minutes, the current one included. */
export function createWeatherReader({ redis, namespace, clock }: WeatherReaderDeps): (minutes: number) => Promise<Weather> {
  return async (minutes) => {
    const current = Math.floor(clock.now() / MINUTE_MS);
    const stored = Array.from({ length: minutes }, async (_, n) => {
      const minute = current - minutes + 1 + n;
      return { startsAt: minute * MINUTE_MS, fields: await readSums(redis, weatherKey(namespace, minute)) };
    });
    return weatherOf(await Promise.all(stored));
  };
}
