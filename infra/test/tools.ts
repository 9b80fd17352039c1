/**
 * The programs the tests need besides Node: a real Redis, a real Chromium and real reverse proxies. Found on this machine; installed where
 * that is one package command away and we may (Debian as root); else the command is said. Without a proxy its tests are skipped.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Tool {
  /** Any of these programs will do. */
  readonly programs: readonly string[];
  /** Debian packages that bring it. */
  readonly packages: readonly string[];
  /** Without it the tests that use it are skipped. */
  readonly isOptional?: boolean;
}

const TOOLS: readonly Tool[] = [
  { programs: ['redis-server', 'valkey-server'], packages: ['redis-server'] },
  { programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'], packages: ['chromium', 'fonts-dejavu-core'] },
  ...['nginx', 'haproxy', 'apache2', 'caddy'].map((name) => ({ programs: [name], packages: [name], isOptional: true })),
];

/** Where packages put programs, whatever the PATH says: servers go where only root's PATH leads. */
const STANDARD_FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** A PATH on which every tool is found that the tests cannot do without. @throws {Error} saying what is missing and how to get it. */
export function pathWithTools(path: string): string {
  if (missing(path).length === 0) return path;
  const wider = [path, ...STANDARD_FOLDERS].join(delimiter);
  const wanted = missing(wider);
  if (wanted.length === 0) return wider;

  const canInstall = process.platform === 'linux' && isOnPath('apt-get', wider) && process.getuid?.() === 0;
  if (canInstall) install(wanted, wider);
  const still = missing(wider);
  const needed = still.filter((tool) => tool.isOptional !== true);
  if (needed.length > 0) throw new Error(`the tests need a real Redis and Chromium. ${advice(needed)}`);
  if (still.length > 0) process.stdout.write(`the tests of ${packagesOf(still)} are skipped. ${advice(still)}\n`);
  return wider;
}

function packagesOf(tools: readonly Tool[]): string {
  return tools.flatMap((tool) => tool.packages).join(', ');
}

function advice(tools: readonly Tool[]): string {
  const packages = tools.flatMap((tool) => tool.packages);
  return `Missing: ${packages.join(', ')}. On Debian or Ubuntu: sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/** The optional ones one by one, for a system that has not all of them. */
function install(tools: readonly Tool[], path: string): void {
  process.stdout.write(`installing ${packagesOf(tools)} for the tests\n`);
  const needed = tools.filter((tool) => tool.isOptional !== true);
  const rounds = [needed, ...tools.filter((tool) => tool.isOptional === true).map((tool) => [tool])].filter((round) => round.length > 0);
  withoutServices(() => {
    apt(path, 'update', '-qq');
    for (const round of rounds) {
      apt(path, 'install', '-y', '-qq', '--no-install-recommends', ...round.flatMap((tool) => tool.packages));
    }
  });
}

const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/** A package must not start its service here; the tests start their own server. Status 101 of this file forbids it (Debian Policy 9.3.3). */
function withoutServices(run: () => void): void {
  let isOurs = true;
  try {
    writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
  } catch {
    isOurs = false; // EEXIST: the machine has a policy of its own, as images of containers do
  }
  try {
    run();
  } finally {
    if (isOurs) rmSync(SERVICE_POLICY, { force: true });
  }
}

function missing(path: string): readonly Tool[] {
  return TOOLS.filter((tool) => !tool.programs.some((program) => isOnPath(program, path)));
}

function isOnPath(program: string, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false; // not in this folder
    }
  });
}

/** What failed to install is found missing afterwards. */
function apt(path: string, ...args: string[]): void {
  const { status } = spawnSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PATH: path, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  });
  if (status !== 0) process.stdout.write(`apt-get ${args[0]} failed with status ${status}\n`);
}
