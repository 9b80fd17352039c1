/**
 * Finds the programs that the tests need besides Node: a real Redis, a real Chromium (its shell is
 * quicker), OpenSSL for certificates, real proxies, systemd's judge of units, and Prometheus with its
 * promtool. On Debian as root, missing ones are installed. Elsewhere, the command to install them is
 * printed. The tests of a missing proxy, of systemd or Prometheus are skipped.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Tool {
  /** Any one of these programs is enough. */
  readonly programs: readonly string[];
  /** The Debian packages that contain it. */
  readonly packages: readonly string[];
  /** What happens without it. Left out: it is needed. */
  readonly without?: string;
}

const TOOLS: readonly Tool[] = [
  { programs: ['redis-server', 'valkey-server'], packages: ['redis-server'] },
  { programs: ['openssl'], packages: ['openssl'] },
  { programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'], packages: ['chromium', 'fonts-dejavu-core'] },
  { programs: ['chromium-headless-shell'], packages: ['chromium-headless-shell'], without: 'the tests of pages take longer' },
  { programs: ['systemd-analyze'], packages: ['systemd'], without: 'its tests are skipped' },
  ...['nginx', 'haproxy', 'apache2', 'caddy', 'tinyproxy', 'prometheus'].map((name) => ({
    programs: [name],
    packages: [name],
    without: 'its tests are skipped',
  })),
];

/** What builds the image. Only the release suite does. */
const RELEASE_TOOLS: readonly Tool[] = ['buildah', 'debootstrap'].map((name) => ({
  programs: [name],
  packages: [name],
  without: 'the image is not tested',
}));

/**
 * The folders of programs, which a PATH may lack: servers are in folders that only root's PATH has.
 */
const STANDARD_FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * @param suite the suite whose tests will run
 * @returns a PATH that leads to every needed tool.
 * @throws {Error} that says what is missing and how to install it
 */
export function pathWithTools(path: string, suite: string): string {
  const tools = suite === 'release' ? [...TOOLS, ...RELEASE_TOOLS] : TOOLS;
  if (missing(tools, path).length === 0) return path;
  const wider = [path, ...STANDARD_FOLDERS].join(delimiter);
  const wanted = missing(tools, wider);
  if (wanted.length === 0) return wider;

  const canInstall = process.platform === 'linux' && isOnPath('apt-get', wider) && process.getuid?.() === 0;
  if (canInstall) install(wanted, wider);
  const still = missing(tools, wider);
  const needed = still.filter((tool) => tool.without === undefined);
  if (needed.length > 0) throw new Error(`the tests need a real Redis, Chromium and OpenSSL. ${advice(needed)}`);
  for (const tool of still) process.stdout.write(`without ${packagesOf([tool])} ${tool.without}. ${advice([tool])}\n`);
  return wider;
}

function packagesOf(tools: readonly Tool[]): string {
  return tools.flatMap((tool) => tool.packages).join(', ');
}

function advice(tools: readonly Tool[]): string {
  const packages = tools.flatMap((tool) => tool.packages);
  return `Missing: ${packages.join(', ')}. On Debian or Ubuntu: sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/** Installs optional packages one by one, because a system may not offer all of them. */
function install(tools: readonly Tool[], path: string): void {
  process.stdout.write(`installing ${packagesOf(tools)} for the tests\n`);
  const needed = tools.filter((tool) => tool.without === undefined);
  const rounds = [needed, ...tools.filter((tool) => tool.without !== undefined).map((tool) => [tool])].filter((round) => round.length > 0);
  withoutServices(() => {
    apt(path, 'update', '-qq');
    for (const round of rounds) {
      apt(path, 'install', '-y', '-qq', '--no-install-recommends', ...round.flatMap((tool) => tool.packages));
    }
  });
}

const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/**
 * Runs `run` while packages may not start their services; the tests start servers of their own.
 * Status 101 of this file forbids it (Debian Policy 9.3.3).
 */
function withoutServices(run: () => void): void {
  let isOurs = true;
  try {
    writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
  } catch {
    isOurs = false; // EEXIST: the machine has a policy of its own, as container images do
  }
  try {
    run();
  } finally {
    if (isOurs) rmSync(SERVICE_POLICY, { force: true });
  }
}

function missing(tools: readonly Tool[], path: string): readonly Tool[] {
  return tools.filter((tool) => !tool.programs.some((program) => isOnPath(program, path)));
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

/** A package that failed to install is found missing afterwards. */
function apt(path: string, ...args: string[]): void {
  const { status } = spawnSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PATH: path, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  });
  if (status !== 0) process.stdout.write(`apt-get ${args[0]} failed with status ${status}\n`);
}
