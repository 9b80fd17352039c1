/**
 * Reads from the environment which benchmarks to run, and how large. The bounds let a run end
 * within minutes.
 */

export const BENCH_NAMES = [
  'relay',
  'relay-ws',
  'fanout',
  'counting',
  'poll',
  'first',
  'hostile',
  'flood',
  'storm',
  'restart',
  'rush',
  'masters',
  'idle',
  'viewers',
  'connect',
  'latency',
  'upstream',
  'scale',
  'decode',
  'first-paint',
  'soak',
] as const;
export type BenchName = (typeof BENCH_NAMES)[number];

export interface BenchConfig {
  readonly only: BenchName | null;
  /** The measured time of each program in a benchmark, s. Set-up and warm-up come on top. */
  readonly seconds: number;
  /** How often each of the compared programs is measured. The measured time is divided by it. */
  readonly rounds: number;
  /** Of the `relay`s, `masters`, `latency` and `scale`: sessions with one viewer each. */
  readonly sessions: number;
  /** Of the `relay`s, `masters` and `scale`: changes a second, over all sessions together. */
  readonly rate: number;
  /** Of `fanout`: viewers of the one session. */
  readonly viewers: number;
  /** Of `poll`, `masters` and `scale`: waiting sessions. */
  readonly instances: number;
  /** Of `first` and `latency`: sessions. Each gets its first viewer once. */
  readonly firsts: number;
  /** Of `hostile`: sessions at a host that never answers. */
  readonly hostile: number;
  /** Of `flood`: handshakes with a forged ticket. */
  readonly flood: number;
  /** Of `storm`: viewers that lose their connections. */
  readonly storm: number;
  /** Of `restart`: viewers of two gateways. */
  readonly restart: number;
  /** Of `rush`: viewers that connect at once. */
  readonly rush: number;
  /** Of `viewers`: viewers of one gateway, ten for each session. */
  readonly idleViewers: number;
  /** Of `connect`: connects a second. */
  readonly connects: number;
  /** How long the provider takes to answer, ms. */
  readonly answerMs: number;
  /** Of `latency`: changes a second that bring the machine, with all that runs on it, to about half. */
  readonly background: number;
  /** Of `latency`: sessions of which a notification tells the login. */
  readonly notified: number;
  /** Of `decode`: pictures. */
  readonly pictures: number;
  /** Of `first-paint`: runs. Each opens four pages of each program. */
  readonly paints: number;
  /** Of `soak`: how long it lasts. */
  readonly soakMinutes: number;
  /** Of `soak`: changes a second, besides those that the polls bring. */
  readonly soakRate: number;
  /** The folder that gets each result, as JSON and as a plot. What it has of the run before is kept. */
  readonly results: string | null;
  /** Whether the worker and the gateway are profiled. That uses CPU time itself. */
  readonly isProfiled: boolean;
  /** The folder of this run that gets the profiles. */
  readonly profileFolder: string | null;
}

const WHOLE_NUMBERS = {
  BENCH_SECONDS: { fallback: 20, min: 4, max: 600 },
  BENCH_ROUNDS: { fallback: 3, min: 1, max: 20 },
  BENCH_SESSIONS: { fallback: 1_000, min: 1, max: 8_000 },
  BENCH_RATE: { fallback: 400, min: 1, max: 20_000 },
  BENCH_VIEWERS: { fallback: 3_000, min: 1, max: 10_000 },
  BENCH_INSTANCES: { fallback: 10_000, min: 1, max: 200_000 },
  BENCH_FIRSTS: { fallback: 300, min: 10, max: 5_000 },
  BENCH_HOSTILE: { fallback: 10_000, min: 1, max: 100_000 },
  BENCH_FLOOD: { fallback: 10_000, min: 100, max: 100_000 },
  BENCH_STORM: { fallback: 2_000, min: 10, max: 10_000 },
  BENCH_RESTART: { fallback: 5_000, min: 10, max: 10_000 },
  BENCH_RUSH: { fallback: 2_000, min: 10, max: 10_000 },
  BENCH_IDLE_VIEWERS: { fallback: 10_000, min: 100, max: 15_000 },
  BENCH_CONNECTS: { fallback: 150, min: 10, max: 1_000 },
  BENCH_ANSWER_MS: { fallback: 20, min: 0, max: 60_000 },
  BENCH_BACKGROUND: { fallback: 1_000, min: 1, max: 20_000 },
  BENCH_NOTIFIED: { fallback: 300, min: 1, max: 3_000 },
  BENCH_PICTURES: { fallback: 500, min: 10, max: 5_000 },
  BENCH_PAINTS: { fallback: 15, min: 1, max: 100 },
  BENCH_SOAK_MINUTES: { fallback: 60, min: 1, max: 180 },
  BENCH_SOAK_RATE: { fallback: 50, min: 1, max: 5_000 },
} as const;

/** @throws {Error} that names every fault */
export function readConfig(env: Readonly<Record<string, string | undefined>>): BenchConfig {
  const faults: string[] = [];
  const text = (name: string): string | null => (env[name] === undefined || env[name] === '' ? null : env[name]);
  const whole = (name: keyof typeof WHOLE_NUMBERS): number => {
    const { fallback, min, max } = WHOLE_NUMBERS[name];
    const given = text(name);
    const value = given === null ? fallback : Number(given);
    if (!Number.isInteger(value) || value < min || value > max) faults.push(`${name}: expected a whole number from ${min} to ${max}`);
    return value;
  };
  const only = text('BENCH_ONLY');
  const name = BENCH_NAMES.find((one) => one === only) ?? null;
  if (only !== null && name === null) faults.push(`BENCH_ONLY: expected one of ${BENCH_NAMES.join(', ')}, or unset for all`);
  const config = {
    only: name,
    seconds: whole('BENCH_SECONDS'),
    sessions: whole('BENCH_SESSIONS'),
    rate: whole('BENCH_RATE'),
    viewers: whole('BENCH_VIEWERS'),
    instances: whole('BENCH_INSTANCES'),
    firsts: whole('BENCH_FIRSTS'),
    hostile: whole('BENCH_HOSTILE'),
    flood: whole('BENCH_FLOOD'),
    storm: whole('BENCH_STORM'),
    restart: whole('BENCH_RESTART'),
    rush: whole('BENCH_RUSH'),
    idleViewers: whole('BENCH_IDLE_VIEWERS'),
    connects: whole('BENCH_CONNECTS'),
    answerMs: whole('BENCH_ANSWER_MS'),
    rounds: whole('BENCH_ROUNDS'),
    background: whole('BENCH_BACKGROUND'),
    notified: whole('BENCH_NOTIFIED'),
    ...{ pictures: whole('BENCH_PICTURES'), paints: whole('BENCH_PAINTS') },
    ...{ soakMinutes: whole('BENCH_SOAK_MINUTES'), soakRate: whole('BENCH_SOAK_RATE') },
    results: text('BENCH_RESULTS'),
    isProfiled: text('BENCH_PROFILE') !== null,
    profileFolder: null,
  } as const;
  if (config.isProfiled && config.results === null)
    faults.push('BENCH_PROFILE: set BENCH_RESULTS too, to the folder that gets the profiles');
  if (faults.length > 0) throw new Error(`settings are not usable:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  return config;
}
