/** What the charts of the provider show, worked out of its weather. Pure. */

import { SLOW_SECONDS } from '@qrcast/core/host-weather';
import { isFault } from '@qrcast/core/schedule';
import type { Weather } from '@qrcast/core/weather';

type Host = Weather['hosts'][number];

export interface MinuteFigures {
  readonly startsAt: number;
  readonly requests: number;
  readonly slow: number;
  readonly failed: number;
}

export interface HostFigures {
  readonly host: string;
  readonly state: Host['state'];
  readonly requests: number;
  readonly failedShare: number;
  /** Half of the answers came within this, seconds; null if none was timed, or it took longer than the last bound. */
  readonly usualSeconds: number | null;
  /** Every minute from the first to the last, also those without requests. */
  readonly minutes: readonly MinuteFigures[];
  /** The most frequent first. */
  readonly outcomes: readonly { readonly outcome: string; readonly count: number }[];
}

export function hostFigures(weather: Weather, now: number, spanMinutes: number): readonly HostFigures[] {
  const first = Math.floor(now / 60_000) - spanMinutes + 1;
  return weather.hosts.map(({ host, state, minutes }) => {
    const figures = minutes.map((minute) => minuteOf(minute, weather.tookBounds));
    const byStart = new Map(figures.map((minute) => [minute.startsAt, minute]));
    const requests = sum(figures.map((minute) => minute.requests));
    return {
      host,
      state,
      requests,
      failedShare: requests === 0 ? 0 : sum(figures.map(({ failed }) => failed)) / requests,
      usualSeconds: medianBound(minutes, weather.tookBounds),
      minutes: Array.from({ length: spanMinutes }, (_, i) => {
        const startsAt = (first + i) * 60_000;
        return byStart.get(startsAt) ?? { startsAt, requests: 0, slow: 0, failed: 0 };
      }),
      outcomes: outcomesOf(minutes),
    };
  });
}

function minuteOf({ startsAt, requests, outcomes, took }: Host['minutes'][number], bounds: readonly number[]): MinuteFigures {
  const failed = sum(Object.entries(outcomes).map(([outcome, count]) => (isFault(outcome) ? count : 0)));
  const slow = sum(took.map((count, i) => ((bounds[i] ?? Number.POSITIVE_INFINITY) > SLOW_SECONDS ? count : 0)));
  return { startsAt, requests, slow, failed };
}

function medianBound(minutes: Host['minutes'], bounds: readonly number[]): number | null {
  const counts = [...bounds, null].map((_, i) => sum(minutes.map(({ took }) => took[i] ?? 0)));
  const half = sum(counts) / 2;
  const bucket = counts.findIndex((_, i) => half > 0 && sum(counts.slice(0, i + 1)) >= half);
  return bounds[bucket] ?? null;
}

function outcomesOf(minutes: Host['minutes']): HostFigures['outcomes'] {
  const counts = new Map<string, number>();
  for (const { outcomes } of minutes)
    for (const [outcome, count] of Object.entries(outcomes)) counts.set(outcome, (counts.get(outcome) ?? 0) + count);
  return [...counts].map(([outcome, count]) => ({ outcome, count })).sort((a, b) => b.count - a.count);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
