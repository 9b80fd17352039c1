/**
 * `pnpm test` and, with the argument `release`, `pnpm test:release`: brings the tools, builds, runs every package's tests, and says in its
 * last line how many passed and failed.
 */

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pathWithTools } from './tools.ts';

const TOP = fileURLToPath(new URL('../..', import.meta.url));
const REPORT = 'node_modules/.test-report.json';
/** What starts a real Redis, Chromium or processes loads the machine. Such packages are tested one after another. */
const LOADS_THE_MACHINE = /test-redis/;

interface Package {
  readonly folder: string;
  readonly name: string;
  readonly isHeavy: boolean;
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly success: boolean;
}

const suite = process.argv[2];
if (suite !== undefined && suite !== 'release') throw new Error(`there is no suite ${suite}; the argument is "release" or left out`);
const env = {
  ...process.env,
  PATH: pathWithTools(process.env['PATH'] ?? ''),
  TURBO_TELEMETRY_DISABLED: '1',
  ...(suite === undefined ? {} : { QRCAST_TESTS: suite }),
};
const packages = findPackages();
for (const { folder } of packages) rmSync(join(TOP, folder, REPORT), { force: true });

const startedAt = performance.now();
const isBuilt = turbo('build');
const light = packages.filter(({ isHeavy }) => !isHeavy);
const heavy = packages.filter(({ isHeavy }) => isHeavy);
const arePassed = isBuilt && [light, ...heavy.map((one) => [one])].map(test).every((isPassed) => isPassed);

let passed = 0;
let failed = 0;
for (const { folder } of packages) {
  const report = readReport(folder);
  if (report === null) process.stdout.write(`${folder}: its tests did not run to their end\n`);
  passed += report?.numPassedTests ?? 0;
  // A suite that broke outside its tests, or never reported, is a failure of its own.
  failed += report === null || (!report.success && report.numFailedTests === 0) ? 1 : report.numFailedTests;
}
if (!arePassed && failed === 0) failed = 1;
process.stdout.write(`\nthe tests took ${Math.round((performance.now() - startedAt) / 1000)} s\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** All that have tests, by folder. */
function findPackages(): readonly Package[] {
  const folders = globSync('{apps,packages,infra}/*/package.json', { cwd: TOP }).map((file) => dirname(file));
  return folders.sort().flatMap((folder) => {
    // Our own files.
    const { name, scripts } = JSON.parse(read(folder, 'package.json')) as { name: string; scripts: object };
    return 'test' in scripts ? [{ folder, name, isHeavy: LOADS_THE_MACHINE.test(read(folder, 'vitest.config.ts')) }] : [];
  });
}

function read(folder: string, file: string): string {
  return readFileSync(join(TOP, folder, file), 'utf8');
}

/** These side by side, two at once; `--only`: all is built. */
function test(these: readonly Package[]): boolean {
  return turbo('test', '--only', '--continue', '--concurrency=2', ...these.map(({ name }) => `--filter=${name}`));
}

function turbo(...args: string[]): boolean {
  return spawnSync('turbo', ['run', ...args, '--output-logs=full'], { cwd: TOP, stdio: 'inherit', env }).status === 0;
}

function readReport(folder: string): Report | null {
  try {
    return JSON.parse(read(folder, REPORT)) as Report; // written by vitest
  } catch {
    return null; // there is none: told above
  }
}
