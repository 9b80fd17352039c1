/** What the samples of a long run say: how much each figure grew, and under which load. */

import type { BenchConfig } from './config.ts';
import type { BenchResult, Row } from './result.ts';
import type { ViewerCounts } from './roles/soak-viewers.ts';
import type { LoginCounts } from './soak-logins.ts';
import type { SoakSample } from './soak-sample.ts';
import { type Trend, trendOf } from './trend.ts';

const SETTLE_MINUTES = 10;
/** A run that is shorter than half an hour gives a third of it to the settling. */
const SETTLE_SHARE = 1 / 3;
const MOST_GROWTH_PERCENT = 5;

interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly of: (sample: SoakSample) => number;
}

/** What must not grow. */
const HELD: readonly Figure[] = [
  ...(['gateway', 'worker'] as const).flatMap((role): readonly Figure[] => [
    { what: `${role} RSS`, unit: 'MB', of: (sample) => sample[role].rssBytes / 1e6 },
    { what: `${role} heap after a collection`, unit: 'MB', of: (sample) => sample[role].heapBytes / 1e6 },
    { what: `${role} memory outside of the heap`, unit: 'MB', of: (sample) => sample[role].externalBytes / 1e6 },
    { what: `${role} open handles`, unit: '', of: (sample) => sample[role].resources },
    { what: `${role} file descriptors`, unit: '', of: (sample) => sample[role].descriptors },
  ]),
  { what: 'Redis keys, without those of finished logins', unit: '', of: ({ redisKeys }) => redisKeys },
  { what: 'Redis memory', unit: 'MB', of: ({ redisBytes }) => redisBytes / 1e6 },
];
const LOAD: readonly Figure[] = [
  { what: 'gateway: longest stall in a sample', unit: 'ms', of: ({ gatewayStallMs }) => gatewayStallMs },
  { what: 'worker: longest stall in a sample', unit: 'ms', of: ({ workerStallMs }) => workerStallMs },
  { what: 'gateway CPU', unit: '% of a core', of: ({ gatewayShare }) => gatewayShare },
  { what: 'worker CPU', unit: '% of a core', of: ({ workerShare }) => workerShare },
  { what: 'Redis CPU', unit: '% of a core', of: ({ redisShare }) => redisShare },
  { what: 'CPU of all processes', unit: '% of the machine', of: ({ machineShare }) => machineShare },
  { what: 'requests to the provider', unit: '/s', of: ({ pollsPerSecond }) => pollsPerSecond },
  { what: 'messages to viewers', unit: '/s', of: ({ toldPerSecond }) => toldPerSecond },
];

export function reportSoak(config: BenchConfig, samples: readonly SoakSample[], counts: ViewerCounts & LoginCounts): BenchResult {
  const settleMinutes = Math.min(SETTLE_MINUTES, config.soakMinutes * SETTLE_SHARE);
  const trends = HELD.map((figure) => {
    const values = samples.map((sample) => ({ minute: sample.minute, value: figure.of(sample) }));
    return { ...figure, trend: trendOf(values, settleMinutes) };
  });
  const alone = (what: string, unit: string, ours: Row['ours']): Row => ({ what, unit, ours, others: [] });
  return {
    title: `soak: ${config.soakMinutes} minutes, ${config.soakRate} changes/s besides those that the polls bring`,
    columns: ['at the end', `after ${settleMinutes.toFixed(settleMinutes < SETTLE_MINUTES ? 1 : 0)} min`],
    rows: [
      ...trends.map(({ what, unit, trend }): Row => ({ what, unit, ours: trend.last, others: [trend.first] })),
      ...trends.map(({ what, unit, trend }) => alone(`${what}, slope`, `${unit}/h`.trim(), trend.perHour)),
      ...LOAD.map(({ what, unit, of }) => alone(what, unit, samples.map(of))),
      alone('logins begun', '', counts.begun),
      alone('logins whose viewer was told', '', counts.connected),
      alone('logins that failed, or whose viewer was not told', '', counts.failed),
      alone('connections lost', '', counts.lost),
      alone('older versions told, or codes after connected', '', counts.faults),
    ],
    targets: trends.map(({ what, trend }) => ({
      what: `${what}, growth`,
      measured: growthOf(trend),
      unit: '%',
      most: MOST_GROWTH_PERCENT,
    })),
    notes: [
      'the record of a finished login is kept for an hour after it expires, so Redis memory grows by some 3 MB in this hour',
      'the audit log keeps 200 entries of a tenant here, so that it is full before the first sample that counts',
      ...(counts.lastError === null ? [] : [`a login could not begin: ${counts.lastError}`]),
    ],
    samples: Object.fromEntries([
      ['minute', samples.map(({ minute }) => minute)],
      ...[...HELD, ...LOAD].map(({ what, of }) => [what, samples.map(of)]),
    ]),
  };
}

function growthOf({ first, last }: Trend): number {
  return (last / first - 1) * 100;
}
