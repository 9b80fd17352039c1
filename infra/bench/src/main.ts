/**
 * Runs the benchmarks one after the other and prints their results. A missed target is reported,
 * and is no failure.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { BENCH_NAMES, type BenchConfig, readConfig } from './config.ts';
import { runFanout } from './fanout.ts';
import { runFirst } from './first.ts';
import { runFlood } from './flood.ts';
import { runHostile } from './hostile.ts';
import { runIdle } from './idle.ts';
import { runMasters } from './masters.ts';
import { runPoll } from './poll.ts';
import { runRelay, runRelayWs } from './relay.ts';
import { type BenchResult, isMet, renderResult } from './report.ts';
import { runRestart } from './restart.ts';
import { runRush } from './rush.ts';
import { runStorm } from './storm.ts';

const BENCHES = {
  relay: runRelay,
  'relay-ws': runRelayWs,
  fanout: runFanout,
  poll: runPoll,
  first: runFirst,
  hostile: runHostile,
  flood: runFlood,
  storm: runStorm,
  restart: runRestart,
  rush: runRush,
  masters: runMasters,
  idle: runIdle,
} as const;
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

function progress(text: string): void {
  process.stderr.write(`… ${text}\n`);
}

async function run(name: keyof typeof BENCHES, config: BenchConfig): Promise<BenchResult> {
  const releasers = createReleasers();
  current = releasers;
  try {
    return await BENCHES[name](config, process.env['PATH'] ?? '', releasers, progress);
  } finally {
    await releasers.release();
    current = null;
  }
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  if (config.profileFolder !== null) await mkdir(config.profileFolder, { recursive: true });
  const machine = { node: process.version, cores: availableParallelism(), load: loadavg()[0] ?? 0 };
  process.stdout.write(`Node ${machine.node}, ${machine.cores} cores, load average ${machine.load.toFixed(1)} before the run\n\n`);
  const results: Record<string, unknown> = {};
  for (const name of BENCH_NAMES) {
    if (config.only !== null && config.only !== name) continue;
    const result = await run(name, config);
    process.stdout.write(`${renderResult(result)}\n`);
    results[name] = { ...result, targets: result.targets.map((target) => ({ ...target, isMet: isMet(target) })) };
  }
  if (config.json !== null) await writeFile(config.json, `${JSON.stringify({ machine, config, results }, null, 2)}\n`);
}

await main().catch((error: unknown) => {
  if (isStopping) return;
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
