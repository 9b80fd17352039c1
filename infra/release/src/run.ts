/** Runs a program to its end. */

import { spawnSync } from 'node:child_process';

const MOST_BYTES = 256 * 1_024 * 1_024;

export interface RunOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** @returns its output. @throws {Error} with the end of what it said, if it fails */
export function run(program: string, args: readonly string[], options: RunOptions): Buffer {
  const { status, stdout, stderr, error } = spawnSync(program, args, { ...options, maxBuffer: MOST_BYTES });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args[0]} failed:\n${`${stdout}${stderr}`.slice(-4_000)}`, { cause: error });
}
