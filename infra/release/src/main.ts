/** `pnpm release`: makes the files of a release in `release`, or says why it does not. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeRelease } from './make-release.ts';
import { requireReleasable } from './require-releasable.ts';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDER = 'release';

try {
  requireReleasable(TOP);
  const names = makeRelease(TOP, join(TOP, FOLDER));
  process.stdout.write(`${FOLDER} has these files, and nothing was published:\n${names.map((name) => `  ${name}\n`).join('')}`);
} catch (error) {
  process.stderr.write(`no release was made\n${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
