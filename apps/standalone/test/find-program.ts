/** For tests: programs of the system that may be missing. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The folders to search. Servers are in folders that a user's PATH often lacks. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin'];

/** @returns true if it is not installed. Prints that once per test file. */
export function isMissing(program: string): boolean {
  if (findProgram(program) !== null) return false;
  process.stderr.write(
    `skipped: there is no ${program} here. \`pnpm test\` installs it on Debian as root; else: apt-get install ${program}\n`,
  );
  return true;
}

/** @returns its path, or null if it is not installed */
export function findProgram(program: string): string | null {
  for (const folder of FOLDERS) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {
      // not in this folder
    }
  }
  return null;
}
