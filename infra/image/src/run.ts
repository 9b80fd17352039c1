/** Runs a program to its end. */

import { spawnSync } from 'node:child_process';

/** @returns its output. @throws {Error} with the end of what it said, if it fails */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env, maxBuffer: 64 * 1_024 * 1_024 });
  if (status !== 0) throw new Error(`${program} ${args[0]} failed:\n${`${stdout}${stderr}`.slice(-4_000)}`, { cause: error });
  return stdout;
}
