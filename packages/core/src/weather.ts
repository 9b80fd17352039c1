/**
 * The weather of the provider: of each host and minute, what it answered and how long that took. It is
 * kept as one hash a minute, whose fields are `<host> <outcome>` and `<host> <bucket>`.
 */

import { z } from 'zod';
import { bucketOf } from './histogram-bucket.ts';
import { HOST_STATES, type HostCounts, type HostState, judgeHost, SLOW_SECONDS, tellsSpeed } from './host-weather.ts';
import { isFault } from './schedule.ts';

export const MINUTE_MS = 60_000;
/** For how long minutes are kept. */
export const WEATHER_MINUTES = 180;
/** Seconds, from a fast answer to one that the provider holds for a minute. */
export const ANSWER_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 65] as const;
/** The state of a host is judged over this many of its last minutes. */
const JUDGED_MINUTES = 5;

const count = z.number().int();

export const weatherMinuteSchema = z
  .object({
    startsAt: count.describe('The beginning of the minute, Unix ms'),
    requests: count.describe('Requests that ended in it'),
    outcomes: z.record(z.string(), count).describe('How many of them by what came, as in the metric `qrcast_provider_answers_total`'),
    took: z
      .array(count)
      .describe(
        'How many answers took how long: one count for each of `tookBounds`, and one for longer ones. Without requests that failed, and without those that the provider may hold: `instance_starting`, `provider_not_ready`',
      ),
  })
  .meta({ id: 'WeatherMinute' });

export const weatherSchema = z
  .object({
    hosts: z
      .array(
        z
          .object({
            host: z.string().describe('The host; `other` for all that have not answered yet'),
            state: z
              .enum(HOST_STATES)
              .describe('By its last five minutes with requests: `fine`, `slow` (half of the answers take longer than 2.5 s), `down`'),
            minutes: z.array(weatherMinuteSchema).describe('Minutes with requests, oldest first'),
          })
          .meta({ id: 'WeatherHost' }),
      )
      .describe('By name'),
    tookBounds: z.array(z.number()).describe('The upper bounds of `took`, seconds'),
  })
  .meta({ id: 'Weather' });

export const readWeatherSchema = z.strictObject({
  minutes: z.coerce.number().int().min(1).max(WEATHER_MINUTES).default(60).describe('How many minutes, with the current one'),
});

export type Weather = z.infer<typeof weatherSchema>;
type WeatherMinute = z.infer<typeof weatherMinuteSchema>;

/** The fields that an answer raises by 1. @param outcome as in the metrics */
export function weatherFieldsOf(host: string, outcome: string, tookMs: number): readonly string[] {
  const counted = `${host} ${outcome}`;
  return tellsSpeed(outcome) ? [counted, `${host} ${bucketOf(ANSWER_SECONDS, tookMs / 1_000)}`] : [counted];
}

/** A minute as it is kept. */
export interface StoredMinute {
  readonly startsAt: number;
  readonly fields: Readonly<Record<string, string>>;
}

/** @param minutes oldest first */
export function weatherOf(minutes: readonly StoredMinute[]): Weather {
  const hosts = new Map<string, WeatherMinute[]>();
  for (const { startsAt, fields } of minutes) {
    for (const [host, minute] of hostsOf(startsAt, fields)) hosts.set(host, [...(hosts.get(host) ?? []), minute]);
  }
  return {
    hosts: [...hosts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([host, all]) => ({ host, state: stateOf(all), minutes: all })),
    tookBounds: [...ANSWER_SECONDS],
  };
}

/** What another version or hand has written is left out. */
function hostsOf(startsAt: number, fields: StoredMinute['fields']): ReadonlyMap<string, WeatherMinute> {
  const hosts = new Map<string, WeatherMinute>();
  for (const [field, text] of Object.entries(fields)) {
    const [host = '', name = '', ...rest] = field.split(' ');
    const value = Number(text);
    if (host === '' || name === '' || rest.length > 0 || !Number.isSafeInteger(value)) continue;
    const known = hosts.get(host) ?? {
      startsAt,
      requests: 0,
      outcomes: {},
      took: Array.from({ length: ANSWER_SECONDS.length + 1 }, () => 0),
    };
    if (!/^\d+$/.test(name))
      hosts.set(host, { ...known, requests: known.requests + value, outcomes: { ...known.outcomes, [name]: value } });
    else if (Number(name) < known.took.length) hosts.set(host, { ...known, took: known.took.with(Number(name), value) });
  }
  return hosts;
}

const stateOf = (minutes: readonly WeatherMinute[]): HostState =>
  minutes.slice(-JUDGED_MINUTES).reduce<HostState>((state, minute) => judgeHost(state, countsOf(minute)), 'fine');

const SLOW_FROM = bucketOf(ANSWER_SECONDS, SLOW_SECONDS) + 1;

function countsOf({ requests, outcomes, took }: WeatherMinute): HostCounts {
  const failed = sum(Object.entries(outcomes).map(([outcome, number]) => (isFault(outcome) ? number : 0)));
  return { requests, failed, timed: sum(took), slow: sum(took.slice(SLOW_FROM)) };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
