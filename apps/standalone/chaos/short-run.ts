/** For tests: a short run of the chaos suite with all faults of a set-up. */

import { expect } from 'vitest';
import { describeReport } from './describe-report.ts';
import { runChaos } from './run-chaos.ts';
import { faultsOf, type SetUpKind } from './set-ups.ts';

const SESSIONS = 12;

/** @param seed of the schedule, unless QRCAST_CHAOS_SEED names another */
export async function expectCleanRun(redis: SetUpKind, seed: number): Promise<void> {
  const used = Number(process.env['QRCAST_CHAOS_SEED'] ?? seed);
  const lines: string[] = [`seed ${used}`];
  const report = await runChaos({
    redis,
    seed: used,
    durationMs: 45_000,
    sessions: SESSIONS,
    scanAfterMs: [2_000, 20_000],
    pollMs: 2_500,
    faults: faultsOf(redis),
    faultEveryMs: 1_000,
    settleMs: 200_000,
    gateways: 2,
    workers: 2,
    tell: (line) => lines.push(line),
  });
  expect(report.violations, [...lines, ...describeReport(report)].join('\n')).toEqual([]);
  expect(report.sessions).toBeGreaterThanOrEqual(SESSIONS);
}
