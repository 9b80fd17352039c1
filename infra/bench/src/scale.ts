/**
 * `scale`: does a delivered state or a poll cost more if 2 or 4 processes share the work of one? Each
 * set-up has its own Redis, and gets the same load in all.
 *
 * A process that does little at a time uses more for each unit, because it wakes for less. So N
 * processes are compared with one that has all of their load, and with one that has as much as each
 * of them.
 */

import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { type BenchResult, medianOf, type Row, ratiosOf, type Target } from './result.ts';
import { compare } from './rounds.ts';
import { measureGateways, measureWorkers, type UnitCost } from './scale-set-ups.ts';
import { INTERVAL_MS } from './system.ts';

const PROCESSES = [2, 4] as const;
/** Of the cost with one process. */
const TARGET_RATIO = 1.1;
const KINDS = {
  gateways: { process: 'gateway CPU per state', redis: 'Redis CPU per state', measure: measureGateways },
  workers: { process: 'worker CPU per poll', redis: 'Redis CPU per poll', measure: measureWorkers },
} as const;
type Kind = keyof typeof KINDS;

interface SetUp {
  readonly processes: number;
  /** It gets one part of so many of the load. */
  readonly of: number;
}

/** The first one is what all others are compared with. */
const SET_UPS: readonly SetUp[] = [
  { processes: 1, of: 1 },
  ...PROCESSES.flatMap((processes) => [
    { processes, of: 1 },
    { processes: 1, of: processes },
  ]),
];

interface Bench {
  readonly config: BenchConfig;
  readonly path: string;
  readonly releasers: Releasers;
  progress(text: string): void;
}

export async function runScale(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  const bench = { config, path, releasers, progress };
  const rows = [...(await measureKind('gateways', bench)), ...(await measureKind('workers', bench))];
  return {
    title: `scale: ${config.sessions} viewers, ${config.rate} states/s; ${config.instances} waiting sessions every ${INTERVAL_MS / 1_000} s`,
    columns: ['several', 'one'],
    rows,
    targets: rows.flatMap(targetsOf),
    notes: ['one with 1/N has as much load as each of N'],
  };
}

async function measureKind(kind: Kind, { config, path, releasers, progress }: Bench): Promise<readonly Row[]> {
  const { process, redis, measure } = KINDS[kind];
  const contenders = SET_UPS.map(({ processes, of }) => ({
    name: `${processes} ${kind}, 1/${of} of the load`,
    measure: async (): Promise<UnitCost> => {
      const own = createReleasers();
      releasers.push('set-up', () => own.release());
      return measure({ config: partOf(config, of), path, own, processes }).finally(() => own.release());
    },
  }));
  const measured = await compare({
    rounds: config.rounds,
    contenders,
    figures: { processUs: { what: process, unit: 'µs' }, redisUs: { what: redis, unit: 'µs' } },
    progress: (text) => progress(`scale: ${text}`),
  });
  return measured.flatMap((row) => rowsOf(kind, row, row.what === redis ? 'all' : 'both'));
}

function partOf(config: BenchConfig, of: number): BenchConfig {
  const part = (value: number): number => Math.max(1, Math.round(value / of));
  return { ...config, sessions: part(config.sessions), rate: part(config.rate), instances: part(config.instances) };
}

/**
 * @param row one process with all of the load, and the others in the order of `SET_UPS`
 * @param beside one with all of the load, or also one with as much as each of the several. Redis has
 * all of it either way.
 */
function rowsOf(kind: Kind, { what, unit, ours: one, others }: Row, beside: 'all' | 'both'): readonly Row[] {
  const valuesOf = ({ processes, of }: SetUp): Row['others'][number] => {
    const place = SET_UPS.findIndex((setUp) => setUp.processes === processes && setUp.of === of);
    return place === 0 ? one : (others[place - 1] ?? null);
  };
  return PROCESSES.flatMap((processes) => {
    const several = valuesOf({ processes, of: 1 }) ?? Number.NaN;
    return (beside === 'all' ? [1] : [1, processes]).map((of) => ({
      what: `${processes} ${kind}: ${what}${of === 1 ? '' : `, one with 1/${of}`}`,
      unit,
      ours: several,
      others: [valuesOf({ processes: 1, of })],
      isChecked: true,
    }));
  });
}

function targetsOf({ what, ours, others: [one = null] }: Row): readonly Target[] {
  return [{ what, measured: medianOf(ratiosOf(ours, one)), unit: '× one', most: TARGET_RATIO }];
}
