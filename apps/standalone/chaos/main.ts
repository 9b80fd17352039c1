/**
 * `pnpm chaos`: breaks a running system at random for some minutes, and proves from every viewer's
 * log and the provider's that nothing was lost. It prints the seed, which repeats the schedule.
 */

import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeReport } from './describe-report.ts';
import { runChaos } from './run-chaos.ts';
import type { FaultKind } from './schedule.ts';
import { faultsOf, SET_UPS, type SetUpKind } from './set-ups.ts';

const HELP = `pnpm chaos [--redis ${SET_UPS.join('|')}] [--minutes N] [--seed N] [--sessions N] [--poll-ms N] [--only FAULT,…] [--without FAULT,…] [--logs FILE]
The faults:
${SET_UPS.map((kind) => `  --redis ${kind}: ${faultsOf(kind).join(', ')}\n`).join('')}`;
const MINUTE_MS = 60_000;
const MOST_MINUTES = 24 * 60;
const SCAN_AFTER_MS = [5_000, 90_000] as const;
const FAULT_EVERY_MS = 1_500;
const SETTLE_MS = 240_000;

const { values } = parseArgs({
  options: {
    redis: { type: 'string', default: 'one' },
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    sessions: { type: 'string', default: '200' },
    'poll-ms': { type: 'string', default: '2500' },
    only: { type: 'string', default: '' },
    logs: { type: 'string' },
    without: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});

function whole(name: 'minutes' | 'seed' | 'sessions' | 'poll-ms', most: number): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`--${name}: expected a whole number from 1 to ${most}`);
  return value;
}

function setUp(): SetUpKind {
  const found = SET_UPS.find((kind) => kind === values.redis);
  if (found === undefined) throw new Error(`--redis: expected one of ${SET_UPS.join(', ')}, but got "${values.redis}"`);
  return found;
}

function kinds(text: string, all: readonly FaultKind[]): readonly FaultKind[] {
  const names = text.split(',').filter((name) => name !== '');
  return names.map((name) => {
    const kind = all.find((one) => one === name);
    if (kind === undefined) throw new Error(`there is no fault "${name}" over this Redis; there are ${all.join(', ')}`);
    return kind;
  });
}

const writeTo = (file: string) => (lines: readonly string[]) => writeFileSync(file, `${lines.join('\n')}\n`);
const tell = (line: string): void => void process.stdout.write(`${line}\n`);
if (values.help) {
  tell(HELP);
} else {
  const seed = whole('seed', 2 ** 31);
  const redis = setUp();
  const all = faultsOf(redis);
  const without = kinds(values.without, all);
  tell(`seed ${seed}; to repeat the schedule: --redis ${redis} --seed ${seed} --minutes ${values.minutes} --sessions ${values.sessions}`);
  const report = await runChaos({
    redis,
    seed,
    durationMs: whole('minutes', MOST_MINUTES) * MINUTE_MS,
    sessions: whole('sessions', 2_000),
    scanAfterMs: SCAN_AFTER_MS,
    pollMs: whole('poll-ms', 60_000),
    faults: (values.only === '' ? all : kinds(values.only, all)).filter((kind) => !without.includes(kind)),
    faultEveryMs: FAULT_EVERY_MS,
    settleMs: SETTLE_MS,
    gateways: 2,
    workers: 2,
    tell,
    ...(values.logs === undefined ? {} : { tellLogs: writeTo(values.logs) }),
  });
  for (const line of describeReport(report)) tell(line);
  process.exitCode = report.violations.length === 0 ? 0 : 1;
}
