/**
 * Runs while the image is built: loads every program once, so that NODE_COMPILE_CACHE holds its
 * modules. Without settings a role ends after it has loaded, because it must have an address of
 * Redis. The flags must be those of the roles, because V8 compiles by them.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { argumentsOf } from './roles.ts';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));

/** The command, and the words that prove that it was loaded. */
const LOADED: readonly (readonly [command: string, says: string])[] = [
  ['gateway', 'REDIS_URL: is not set'],
  ['worker', 'REDIS_URL: is not set'],
  ['rotate-keys', 'REDIS_URL: is not set'],
  ['help', 'qrcast'],
];

for (const [command, says] of LOADED) {
  const { stdout, stderr } = spawnSync(process.execPath, argumentsOf([command], TOP), { encoding: 'utf8' });
  const output = `${stdout}${stderr}`;
  if (!output.includes(says)) throw new Error(`expected "${says}" from ${command}, but it said: ${output}`);
}
// What the image starts first, and its health check, which finds nobody here.
for (const file of ['qrcast.ts', 'health.ts']) {
  spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL(file, import.meta.url)), 'version']);
}
