/** What is broken when: a list of faults that a seed repeats. Pure. */

import { createRandom, type Random } from './random.ts';

/** Each with the longest and shortest time that it lasts, ms, and how often it is drawn. */
const FAULTS = {
  'kill gateway': { lasts: [500, 8_000], weight: 2 },
  'kill worker': { lasts: [500, 8_000], weight: 3 },
  'stop gateway': { lasts: [1_000, 15_000], weight: 2 },
  'stop worker': { lasts: [1_000, 15_000], weight: 2 },
  'stop redis': { lasts: [500, 12_000], weight: 2 },
  'freeze connections': { lasts: [0, 0], weight: 4 },
  'cut connections': { lasts: [0, 0], weight: 3 },
  'delay connections': { lasts: [2_000, 15_000], weight: 2 },
  'refuse connections': { lasts: [1_000, 10_000], weight: 1 },
  'cut viewers': { lasts: [0, 0], weight: 3 },
  'freeze viewers': { lasts: [0, 0], weight: 1 },
  'shift clock': { lasts: [5_000, 40_000], weight: 3 },
  'older data': { lasts: [500, 5_000], weight: 2 },
  'refuse writes': { lasts: [1_000, 15_000], weight: 1 },
  'demote redis': { lasts: [1_000, 15_000], weight: 1 },
  'fail over': { lasts: [0, 0], weight: 3 },
  'move slots': { lasts: [0, 0], weight: 3 },
  'kill node': { lasts: [1_000, 10_000], weight: 3 },
  'stop node': { lasts: [1_000, 12_000], weight: 2 },
  partition: { lasts: [2_000, 15_000], weight: 2 },
  'lose notifications': { lasts: [0, 0], weight: 3 },
  'double notifications': { lasts: [0, 0], weight: 3 },
  'late notifications': { lasts: [0, 0], weight: 2 },
  'strange notifications': { lasts: [0, 0], weight: 2 },
  'provider answers': { lasts: [0, 0], weight: 8 },
} as const satisfies Record<string, { readonly lasts: readonly [number, number]; readonly weight: number }>;

export type FaultKind = keyof typeof FAULTS;
/** `Object.keys` loses the type of the names. */
export const FAULT_KINDS = Object.keys(FAULTS) as readonly string[] as readonly FaultKind[];

/** Redis is broken in one way at a time. */
const OF_REDIS: ReadonlySet<FaultKind> = new Set([
  ...(['stop redis', 'older data', 'refuse writes', 'demote redis'] as const),
  ...(['fail over', 'move slots', 'kill node', 'stop node', 'partition'] as const),
]);
/** Breaking Redis and mending it take a while of their own, ms. */
const REDIS_PAUSE_MS = 4_000;

export interface Step {
  readonly kind: FaultKind;
  /** After the start, ms. */
  readonly at: number;
  readonly lastsMs: number;
  /** Seeds whatever else the fault has to choose. */
  readonly seed: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly faults: readonly FaultKind[];
  /** The mean time between two faults, ms. */
  readonly everyMs: number;
}

/** @throws {Error} if no fault is enabled */
export function createSchedule({ seed, durationMs, faults, everyMs }: ScheduleOptions): readonly Step[] {
  if (faults.length === 0) throw new Error('expected at least one fault');
  const random = createRandom(seed);
  const steps: Step[] = [];
  const toCome = new Set(faults); // those that have not come are drawn first, so that a short run has about all
  let redisFreeAt = 0;
  for (let at = random.between(0, everyMs); at < durationMs; at += random.between(1, 2 * everyMs)) {
    const isPossible = (kind: FaultKind): boolean => at >= redisFreeAt || !OF_REDIS.has(kind);
    const kind = pickWeighted(random, [...toCome].filter(isPossible)) ?? pickWeighted(random, faults.filter(isPossible));
    if (kind === null) continue; // all that are enabled need Redis
    toCome.delete(kind);
    const [least, most] = FAULTS[kind].lasts;
    const lastsMs = Math.min(random.between(least, most), durationMs - at);
    steps.push({ kind, at, lastsMs, seed: random.between(0, 2 ** 31) });
    if (OF_REDIS.has(kind)) redisFreeAt = at + lastsMs + REDIS_PAUSE_MS;
  }
  return steps;
}

/** Returns null if there is none. */
function pickWeighted(random: Random, faults: readonly FaultKind[]): FaultKind | null {
  const [first, ...rest] = faults.flatMap((kind) => Array.from({ length: FAULTS[kind].weight }, () => kind));
  return first === undefined ? null : random.pick([first, ...rest]);
}
