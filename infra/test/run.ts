/**
 * `pnpm test`, and the suite that is the first argument: `plain` for `pnpm check`, `release` for
 * `pnpm test:release`. Runs the tests of every package through turbo. The last line says how many
 * passed and how many failed.
 */

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pathWithTools } from './tools.ts';

const TOP = fileURLToPath(new URL('../..', import.meta.url));
const REPORT = 'node_modules/.test-report.json';

interface FileReport {
  /** The file's whole path. */
  readonly name: string;
  readonly startTime: number;
  readonly endTime: number;
  /** Why the file failed outside its tests; empty if it did not. */
  readonly message: string;
  readonly assertionResults: readonly { readonly fullName: string; readonly failureMessages: readonly string[] }[];
}

interface Report {
  readonly testResults: readonly FileReport[];
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly success: boolean;
}

const [suite = ''] = process.argv.slice(2);
if (!['', 'plain', 'release'].includes(suite)) throw new Error(`expected "plain", "release" or no argument, but got "${suite}"`);
const path = process.env['PATH'] ?? '';
const env = {
  ...process.env,
  PATH: suite === 'plain' ? path : pathWithTools(path, suite),
  TURBO_TELEMETRY_DISABLED: '1',
  QRCAST_TESTS: suite, // package-tests.ts chooses the files by it
  NODE_COMPILE_CACHE: join(TOP, 'node_modules/.cache/compiled'), // the tests start hundreds of Node processes
};
const packages = globSync('{apps,packages,infra}/*/package.json', { cwd: TOP }).map((file) => dirname(file));
const tested = packages.filter(
  (folder) => 'test' in (JSON.parse(readFileSync(join(TOP, folder, 'package.json'), 'utf8')) as { scripts: object }).scripts,
);
for (const folder of tested) rmSync(join(TOP, folder, REPORT), { force: true });

// One package at a time, with three files at once. With more, tests would wait for the processors
// instead of for events.
const startedAt = performance.now();
const { status } = spawnSync('turbo', ['run', 'test', '--continue', '--concurrency=1', '--output-logs=full'], {
  cwd: TOP,
  stdio: 'inherit',
  env,
});

const SLOWEST = 20;
let passed = 0;
let failed = 0;
const files: { readonly name: string; readonly seconds: number }[] = [];
const failures: string[] = [];
for (const folder of tested) {
  const report = readReport(folder);
  if (report === null) process.stdout.write(`${folder}: its tests did not run to the end\n`);
  passed += report?.numPassedTests ?? 0;
  for (const file of report?.testResults ?? []) {
    files.push({ name: relative(TOP, file.name), seconds: (file.endTime - file.startTime) / 1_000 });
    failures.push(...describeFailures(file));
  }
  // A package counts as one failure if it wrote no report, or if something failed outside its
  // tests.
  failed += report === null || (!report.success && report.numFailedTests === 0) ? 1 : report.numFailedTests;
}
if (status !== 0 && failed === 0) failed = 1;
const slowest = files.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
process.stdout.write(
  `\nthe slowest files, in seconds:\n${slowest.map(({ name, seconds }) => `${seconds.toFixed(0).padStart(6)} ${name}\n`).join('')}`,
);
if (failures.length > 0) process.stdout.write(`\nwhat failed:\n${failures.join('')}`);
process.stdout.write(`\nthe tests took ${Math.round((performance.now() - startedAt) / 1_000)} s\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** What failed in a file, so that the end of a long log says it: each test, and its error's beginning. */
function describeFailures({ name, message, assertionResults }: FileReport): readonly string[] {
  const LINES = 20; // the error's words, and where it was thrown
  const describe = (test: string, error: string): string => {
    const lines = error.split('\n').filter((line) => !/^ +at (.*(node_modules|node:internal)|new Promise)/.test(line));
    return `${relative(TOP, name)}${test}\n${lines
      .slice(0, LINES)
      .map((line) => `    ${line}\n`)
      .join('')}`;
  };
  return [
    ...(message === '' ? [] : [describe('', message)]),
    ...assertionResults.flatMap(({ fullName, failureMessages: [error] }) =>
      error === undefined ? [] : [describe(`: ${fullName}`, error)],
    ),
  ];
}

function readReport(folder: string): Report | null {
  try {
    return JSON.parse(readFileSync(join(TOP, folder, REPORT), 'utf8')) as Report; // vitest wrote it
  } catch {
    return null; // the caller reports that the file is missing
  }
}
