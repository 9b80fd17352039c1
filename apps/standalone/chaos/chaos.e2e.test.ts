/**
 * The short form of `pnpm chaos`: seconds, a few sessions, and a schedule that has all faults.
 * QRCAST_CHAOS_SEED tries another one.
 */

import { expect, it } from 'vitest';
import { describeReport } from './describe-report.ts';
import { runChaos } from './run-chaos.ts';
import { faultsOf } from './set-ups.ts';

const SEED = Number(process.env['QRCAST_CHAOS_SEED'] ?? 21);

it('loses no login and tells nothing stale, whatever breaks', async () => {
  const lines: string[] = [`seed ${SEED}`];
  const report = await runChaos({
    redis: 'one',
    seed: SEED,
    durationMs: 45_000,
    sessions: 12,
    scanAfterMs: [2_000, 20_000],
    faults: faultsOf('one'),
    faultEveryMs: 1_000,
    settleMs: 200_000,
    gateways: 2,
    workers: 2,
    tell: (line) => lines.push(line),
  });
  expect(report.violations, [...lines, ...describeReport(report)].join('\n')).toEqual([]);
  expect(report.sessions).toBeGreaterThanOrEqual(12);
});
