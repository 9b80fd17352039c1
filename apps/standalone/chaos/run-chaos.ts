/** One run of the chaos suite: a population, the faults of a schedule, and then calm and a verdict. */

import { setTimeout as delay } from 'node:timers/promises';
import { createReleasers } from '@qrcast/runtime/releasers';
import type { Instance } from '@qrcast/simulator/instance';
import type { StagedProcess } from '../test/staged-role.ts';
import { watchStalls } from '../test/watch-stalls.ts';
import { nameOf, startAgain } from './breakages.ts';
import type { Span } from './checker.ts';
import { openPopulation, type Population } from './population.ts';
import { createRandom } from './random.ts';
import { type ChaosReport, createReport } from './running-report.ts';
import { NOTHING, type Scene } from './scene.ts';
import { createSchedule, type FaultKind, type Step } from './schedule.ts';
import { openSetUp, type SetUp, type SetUpKind } from './set-ups.ts';

export interface ChaosOptions {
  readonly redis: SetUpKind;
  readonly seed: number;
  /** How long faults come. The calm comes on top. */
  readonly durationMs: number;
  readonly sessions: number;
  readonly scanAfterMs: readonly [number, number];
  /** The interval of the polls. */
  readonly pollMs: number;
  readonly faults: readonly FaultKind[];
  readonly faultEveryMs: number;
  /** In the calm all must end within this time. */
  readonly settleMs: number;
  readonly gateways: number;
  readonly workers: number;
  readonly tell: (line: string) => void;
  /** Gets what the processes have logged, at the end. */
  readonly tellLogs?: (lines: readonly string[]) => void;
}

const SUPERVISE_EVERY_MS = 250;
/** pino's number. */
const WARNING = 40;
const SHOWN_TROUBLES = 10;
/** Often enough for a person, and slow enough for a machine with two cores. */
const POLICY = { QRCAST_CODE_TTL_MS: '20000', QRCAST_ATTEMPT_MS: '900000' };

// One function: it opens the parts in the order in which they depend on one another.
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one run from its beginning to its report, step by step.
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, sessions, scanAfterMs, tell } = options;
  const releasers = createReleasers();
  try {
    const { stage, breaks } = await openSetUp(
      options.redis,
      {
        gateways: options.gateways,
        workers: options.workers,
        env: {
          ...POLICY,
          QRCAST_POLL_INTERVAL_MS: String(options.pollMs),
          ...(options.tellLogs === undefined ? {} : { QRCAST_LOG_LEVEL: 'debug' }),
        },
        simulator: { rotateMs: 7_000 },
      },
      releasers,
    );
    await stage.untilReady();

    const stalls: Span[] = [];
    const spanOf = ({ endedAt, lateMs }: { endedAt: number; lateMs: number }): Span => ({ from: endedAt - lateMs, to: endedAt });
    releasers.push(
      'stalls',
      watchStalls((stall) => stalls.push(spanOf(stall))),
    );
    const report = createReport();
    const population = openPopulation({
      stage,
      random: createRandom(seed),
      sessions,
      scanAfterMs,
      take: (log, scannedAt, connectedAt) => {
        const ofWorkers = stage.workers.flatMap((worker) => worker.stalls().map(spanOf));
        report.take(log, { stopped: scene.stopped, stalls: [...stalls, ...ofWorkers], losses: scene.losses }, scene.takeovers);
        report.timed(
          connectedAt.map((at) => at - scannedAt),
          log,
        );
      },
    });
    releasers.push('population', () => population.abandon()); // after a failure it would go on for ever
    const scene: Scene = {
      stage,
      waiting: population.waiting,
      watched: population.watched,
      holdCreations: population.holdCreations,
      stopped: [],
      losses: [],
      takeovers: [],
      busy: new Set(),
      refused: new Set<Instance>(),
      now: () => performance.timeOrigin + performance.now(),
    };

    releasers.push('supervisor', supervise(scene, tell));
    await breakAll(scene, breaks, createSchedule({ ...options, everyMs: options.faultEveryMs }), tell, report.broke);
    tell('calm');
    const isSettled = await settle(population, options.settleMs);
    if (!isSettled) for (const line of lastTroubles(scene)) tell(line);
    options.tellLogs?.(allLogs(scene));
    return report.result();
  } finally {
    await releasers.release();
  }
}

/** Starts processes again that have ended by themselves. Returns the function that stops it. */
function supervise({ stage, busy }: Scene, tell: (line: string) => void): () => void {
  const roles = [...stage.gateways, ...stage.workers];
  async function look(role: StagedProcess): Promise<void> {
    if (!role.hasEnded() || busy.has(role)) return;
    busy.add(role);
    tell(`a ${role.kind} has ended by itself: ${role.lines().at(-2)?.msg ?? ''}`);
    await startAgain(role);
    busy.delete(role);
  }
  const timer = setInterval(() => {
    for (const role of roles) void look(role); // it rejects never: it tries again
  }, SUPERVISE_EVERY_MS);
  return () => clearInterval(timer);
}

async function breakAll(
  scene: Scene,
  breaks: SetUp['breaks'],
  steps: readonly Step[],
  tell: (line: string) => void,
  broke: (kind: FaultKind) => void,
): Promise<void> {
  const startedAt = performance.now();
  const passed = (): string => `${new Date(scene.now()).toISOString().slice(11, 23)}, ${Math.round(performance.now() - startedAt)} ms`;
  const mending: Promise<void>[] = [];
  async function take({ kind, lastsMs, seed }: Step): Promise<void> {
    const { what, mend } = (await breaks[kind]?.(scene, createRandom(seed))) ?? NOTHING;
    if (what === null) return tell(`${passed()}: ${kind}, nothing left to break`);
    broke(kind);
    tell(`${passed()}: ${kind}, ${what}${mend === undefined ? '' : `, for ${lastsMs} ms`}`);
    if (mend === undefined) return;
    await delay(lastsMs);
    await mend();
    tell(`${passed()}: ${kind}, ${what}: mended`);
  }
  for (const step of steps) {
    await delay(Math.max(0, startedAt + step.at - performance.now()));
    const taken = take(step);
    taken.catch(() => undefined); // reported below
    mending.push(taken);
  }
  await Promise.all(mending);
}

/** Waits until all is over, or gives up, so that the verdict can say who was lost. */
async function settle(population: Population, settleMs: number): Promise<boolean> {
  const giveUp = new AbortController();
  const finished = population.finish().then(() => 'finished' as const);
  const late = delay(settleMs, 'late' as const, { signal: giveUp.signal }).catch(() => 'finished' as const);
  const isSettled = (await Promise.race([finished, late])) === 'finished';
  if (!isSettled) await population.abandon();
  giveUp.abort();
  return isSettled;
}

function allLogs({ stage }: Scene): readonly string[] {
  const named = [...stage.gateways, ...stage.workers].flatMap((role) =>
    role
      .lines()
      .map(({ readAt, level, msg, ...fields }) => ({ readAt, text: `${nameOf(stage, role)} ${level} ${msg} ${JSON.stringify(fields)}` })),
  );
  return named.toSorted((a, b) => a.readAt - b.readAt).map(({ readAt, text }) => `${new Date(readAt).toISOString().slice(11, 23)} ${text}`);
}

/** What the processes last warned of, for whoever wants to know why a login was lost. */
function lastTroubles({ stage }: Scene): readonly string[] {
  return [...stage.gateways, ...stage.workers].flatMap((role) => {
    const troubles = role.lines().filter(({ level }) => Number(level) >= WARNING);
    return troubles.slice(-SHOWN_TROUBLES).map((line) => `${role.kind}: ${JSON.stringify(line)}`);
  });
}
