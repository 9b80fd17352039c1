/**
 * `pnpm test` and, with the argument `release`, `pnpm test:release`: brings the tools, runs every package's tests through turbo, and says in
 * its last line how many passed and failed.
 */

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pathWithTools } from './tools.ts';

const TOP = fileURLToPath(new URL('../..', import.meta.url));
const REPORT = 'node_modules/.test-report.json';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly success: boolean;
}

const [suite] = process.argv.slice(2);
if (suite !== undefined && suite !== 'release') throw new Error(`there is no suite ${suite}: the argument is "release", or left out`);
const env = {
  ...process.env,
  PATH: pathWithTools(process.env['PATH'] ?? ''),
  TURBO_TELEMETRY_DISABLED: '1',
  QRCAST_TESTS: suite ?? '', // which files a package runs: package-tests.ts
};
const packages = globSync('{apps,packages,infra}/*/package.json', { cwd: TOP }).map((file) => dirname(file));
const tested = packages.filter(
  (folder) => 'test' in (JSON.parse(readFileSync(join(TOP, folder, 'package.json'), 'utf8')) as { scripts: object }).scripts,
);
for (const folder of tested) rmSync(join(TOP, folder, REPORT), { force: true });

// One package at a time, of which three files run at once. With more the machine would wait for its processors, not for events.
const startedAt = performance.now();
const { status } = spawnSync('turbo', ['run', 'test', '--continue', '--concurrency=1', '--output-logs=full'], {
  cwd: TOP,
  stdio: 'inherit',
  env,
});

let passed = 0;
let failed = 0;
for (const folder of tested) {
  const report = readReport(folder);
  if (report === null) process.stdout.write(`${folder}: its tests did not run to their end\n`);
  passed += report?.numPassedTests ?? 0;
  // A suite that broke outside its tests, or never reported, is a failure of its own.
  failed += report === null || (!report.success && report.numFailedTests === 0) ? 1 : report.numFailedTests;
}
if (status !== 0 && failed === 0) failed = 1;
process.stdout.write(`\nthe tests took ${Math.round((performance.now() - startedAt) / 1_000)} s\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function readReport(folder: string): Report | null {
  try {
    return JSON.parse(readFileSync(join(TOP, folder, REPORT), 'utf8')) as Report; // written by vitest
  } catch {
    return null; // there is none: told above
  }
}
