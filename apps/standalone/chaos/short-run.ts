/** For tests: a short run of the chaos suite with all faults of a set-up. */

import { expect } from 'vitest';
import { describeReport } from './describe-report.ts';
import { runChaos } from './run-chaos.ts';
import { createSchedule } from './schedule.ts';
import { faultsOf, type SetUpKind } from './set-ups.ts';

const SESSIONS = 12;
const FAULT_EVERY_MS = 1_000;

/** @param seed of the schedule, unless QRCAST_CHAOS_SEED names another */
export async function expectCleanRun(redis: SetUpKind, seed: number): Promise<void> {
  const used = Number(process.env['QRCAST_CHAOS_SEED'] ?? seed);
  const lines: string[] = [`seed ${used}`];
  const plan = { seed: used, durationMs: 45_000, faults: faultsOf(redis) };
  const planned = createSchedule({ ...plan, everyMs: FAULT_EVERY_MS }).map(({ kind }) => kind);
  if (used === seed) expect(new Set(planned)).toEqual(new Set(plan.faults));
  const report = await runChaos({
    redis,
    ...plan,
    sessions: SESSIONS,
    scanAfterMs: [2_000, 20_000],
    pollMs: 2_500,
    faultEveryMs: FAULT_EVERY_MS,
    settleMs: 200_000,
    gateways: 2,
    workers: 2,
    tell: (line) => lines.push(line),
  });
  expect(report.violations, [...lines, ...describeReport(report)].join('\n')).toEqual([]);
  expect(report.sessions).toBeGreaterThanOrEqual(SESSIONS);
}
