/**
 * Runs the benchmarks one after the other and prints their results. A missed target is reported,
 * and is no failure. With `--check` it compares the ratios with the committed ones instead, and fails
 * if they have drifted.
 */

import { fileURLToPath } from 'node:url';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { checkRuns } from './check.ts';
import { BENCH_NAMES, type BenchConfig, type BenchName, readConfig } from './config.ts';
import { runConnect } from './connect.ts';
import { runCounting } from './counting.ts';
import { runDecode } from './decode.ts';
import { runFanout } from './fanout.ts';
import { runFirst } from './first.ts';
import { runFirstPaint } from './first-paint.ts';
import { runFlood } from './flood.ts';
import { runHostile } from './hostile.ts';
import { runIdle } from './idle.ts';
import { runIdleViewers } from './idle-viewers.ts';
import { runLatency } from './latency.ts';
import { describeMachine, type Machine, renderMachine } from './machine.ts';
import { runMasters } from './masters.ts';
import { runPoll } from './poll.ts';
import { runRelay, runRelayWs } from './relay.ts';
import { renderResult } from './report.ts';
import { runRestart } from './restart.ts';
import type { BenchResult } from './result.ts';
import { keepRun, openProfileFolder } from './results-folder.ts';
import { runRush } from './rush.ts';
import { runScale } from './scale.ts';
import { runSoak } from './soak.ts';
import { runStorm } from './storm.ts';
import { runUpstream } from './upstream.ts';

const BENCHES = {
  relay: runRelay,
  'relay-ws': runRelayWs,
  fanout: runFanout,
  counting: runCounting,
  poll: runPoll,
  first: runFirst,
  hostile: runHostile,
  flood: runFlood,
  storm: runStorm,
  restart: runRestart,
  rush: runRush,
  masters: runMasters,
  idle: runIdle,
  viewers: runIdleViewers,
  connect: runConnect,
  latency: runLatency,
  upstream: runUpstream,
  scale: runScale,
  decode: runDecode,
  'first-paint': runFirstPaint,
  soak: runSoak,
} as const;
/** Lasts for an hour, so it runs only if `BENCH_ONLY` names it. */
const ONLY_BY_NAME: BenchName = 'soak';
/** What the README shows, and `--check` compares with. */
const BASELINE_FOLDER = fileURLToPath(new URL('../results', import.meta.url));
/** The status that shells give to a program ended by Ctrl-C. */
const INTERRUPTED_STATUS = 130;

let current: Releasers | null = null;
let isStopping = false;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    isStopping = true;
    progress('stopping');
    const released = current?.release() ?? Promise.resolve();
    void released.catch(() => undefined).then(() => process.exit(INTERRUPTED_STATUS));
  });
}

function print(text: string): void {
  process.stdout.write(text);
}

function progress(text: string): void {
  process.stderr.write(`… ${text}\n`);
}

async function run(name: BenchName, config: BenchConfig): Promise<BenchResult> {
  const releasers = createReleasers();
  current = releasers;
  try {
    const profileFolder = config.results !== null && config.isProfiled ? await openProfileFolder(config.results, name) : null;
    return await BENCHES[name]({ ...config, profileFolder }, process.env['PATH'] ?? '', releasers, progress);
  } finally {
    await releasers.release();
    current = null;
  }
}

async function runAll(config: BenchConfig, machine: Machine): Promise<void> {
  for (const bench of BENCH_NAMES) {
    if (config.only === null ? bench === ONLY_BY_NAME : config.only !== bench) continue;
    const result = await run(bench, config);
    print(`${renderResult(result)}\n`);
    if (config.results !== null) await keepRun(config.results, { bench, at: new Date().toISOString(), machine, config, result });
  }
}

async function check({ only }: BenchConfig): Promise<void> {
  const isAsCommitted = await checkRuns(BASELINE_FOLDER, only, run, print);
  if (isAsCommitted) return print('check: every ratio is within 15 % of the committed one\n');
  print('check: a ratio has drifted by more than 15 %. Find the change, or commit new results (README.md)\n');
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const machine = describeMachine();
  print(`${renderMachine(machine)}\n`);
  await (process.argv.includes('--check') ? check(config) : runAll(config, machine));
}

await main().catch((error: unknown) => {
  if (isStopping) return;
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
