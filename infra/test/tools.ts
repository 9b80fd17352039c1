/**
 * The programs the tests need besides Node: a real Redis, a real Chromium, and OpenSSL for certificates. Found on this machine; installed where that is one package
 * command away and we may (Debian as root); else the command is said.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Tool {
  /** Any of these programs will do. */
  readonly programs: readonly string[];
  /** Debian packages that bring it. */
  readonly packages: readonly string[];
}

const TOOLS: readonly Tool[] = [
  { programs: ['redis-server', 'valkey-server'], packages: ['redis-server'] },
  { programs: ['openssl'], packages: ['openssl'] },
  { programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'], packages: ['chromium', 'fonts-dejavu-core'] },
];

/** Where packages put programs, whatever the PATH says. */
const STANDARD_FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin'];

/** A PATH on which every tool is found. @throws {Error} saying what is missing and how to get it. */
export function pathWithTools(path: string): string {
  if (missing(path).length === 0) return path;
  const wider = [path, ...STANDARD_FOLDERS].join(delimiter);
  const wanted = missing(wider).flatMap((tool) => tool.packages);
  if (wanted.length === 0) return wider;

  const command = `apt-get install -y --no-install-recommends ${wanted.join(' ')}`;
  const canInstall = process.platform === 'linux' && isOnPath('apt-get', wider) && process.getuid?.() === 0;
  if (!canInstall) {
    throw new Error(
      `the tests need a real Redis, Chromium and OpenSSL. Missing: ${wanted.join(', ')}. On Debian or Ubuntu: sudo ${command}`,
    );
  }
  process.stdout.write(`installing ${wanted.join(', ')} for the tests\n`);
  apt(wider, 'update', '-qq');
  apt(wider, 'install', '-y', '-qq', '--no-install-recommends', ...wanted);
  const still = missing(wider);
  if (still.length > 0)
    throw new Error(`installed ${wanted.join(', ')}, yet there is no ${still.map((tool) => tool.programs[0]).join(' and no ')}`);
  return wider;
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

/** RUNLEVEL=1: a package must not start its service here; the tests start their own server. */
function apt(path: string, ...args: string[]): void {
  const { status } = spawnSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PATH: path, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  });
  if (status !== 0) throw new Error(`apt-get ${args[0]} failed with status ${status}`);
}
