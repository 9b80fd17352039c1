/**
 * Keeps results as files: `<bench>.json` with everything that was measured, `<bench>.svg` with its
 * ratios. What the folder has of the run before is kept beside it as `<bench>.before.json` and so on.
 */

import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchConfig, BenchName } from './config.ts';
import type { Machine } from './machine.ts';
import { renderPlot } from './plot.ts';
import type { BenchResult } from './result.ts';

export interface KeptRun {
  readonly bench: BenchName;
  /** ISO 8601, the end of the run. */
  readonly at: string;
  readonly machine: Machine;
  readonly config: BenchConfig;
  readonly result: BenchResult;
}

/** Keeps no folder names, because others compare with it. */
export async function keepRun(folder: string, run: KeptRun): Promise<void> {
  await mkdir(folder, { recursive: true });
  const kept: KeptRun = { ...run, config: { ...run.config, results: null, profileFolder: null } };
  await replace(join(folder, run.bench), 'json', `${JSON.stringify(kept, null, 2)}\n`);
  const plot = renderPlot(run.result);
  if (plot !== null) await replace(join(folder, run.bench), 'svg', plot);
}

/** @returns the folder for the profiles of a run. It is empty; those of the run before are beside it. */
export async function openProfileFolder(folder: string, bench: BenchName): Promise<string> {
  const profiles = join(folder, `${bench}.profiles`);
  await rm(`${profiles}.before`, { recursive: true, force: true });
  await moveIfThere(profiles, `${profiles}.before`);
  await mkdir(profiles, { recursive: true });
  return profiles;
}

/** @returns the last run of each benchmark in the folder; none if there is no such folder */
export async function readRuns(folder: string): Promise<readonly KeptRun[]> {
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const names = files.filter((name) => name.endsWith('.json') && !name.endsWith('.before.json')).sort();
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as KeptRun)); // keepRun wrote it
}

async function replace(path: string, ending: string, text: string): Promise<void> {
  await moveIfThere(`${path}.${ending}`, `${path}.before.${ending}`);
  await writeFile(`${path}.${ending}`, text);
}

async function moveIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
