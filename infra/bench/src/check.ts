/**
 * `--check`: runs each benchmark of the committed results again, with its settings, and reports what
 * a release has made slower, or faster. One that has drifted is measured a second time, because a
 * neighbour can spoil a run.
 */

import { type Drift, driftsOf, hasDrifted, renderDrift } from './baseline.ts';
import type { BenchConfig, BenchName } from './config.ts';
import type { BenchResult } from './result.ts';
import { readRuns } from './results-folder.ts';

/** @returns whether every ratio is as committed */
export async function checkRuns(
  folder: string,
  only: BenchName | null,
  run: (bench: BenchName, config: BenchConfig) => Promise<BenchResult>,
  print: (text: string) => void,
): Promise<boolean> {
  let isAsCommitted = true;
  const runs = await readRuns(folder);
  if (runs.length === 0) throw new Error(`there are no committed results in ${folder}; make some with BENCH_RESULTS=${folder}`);
  for (const { bench, config, result } of runs) {
    if (only !== null && only !== bench) continue;
    if (!result.rows.some(({ isChecked }) => isChecked === true)) continue;
    const measure = async (): Promise<readonly Drift[]> => driftsOf(result, await run(bench, config));
    let drifts = await measure();
    if (drifts.some(hasDrifted)) {
      print(`${bench}: drifted; once more\n${drifts.map(renderDrift).join('\n')}\n`);
      drifts = await measure();
    }
    print(`${bench}, beside the committed ratios\n${drifts.map(renderDrift).join('\n')}\n`);
    if (drifts.some(hasDrifted)) isAsCommitted = false;
  }
  return isAsCommitted;
}
