/**
 * For tests of several packages: `@qrcast/client` as its users get it, packed by a package manager
 * and installed into an empty project.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PACKAGE_FOLDER = fileURLToPath(new URL('../../packages/client/', import.meta.url));

/** The pnpm that runs the tests is on their PATH; `npx` would ask the registry for it. */
export const PACKERS = {
  npm: ['npm', 'pack'],
  pnpm: ['pnpm', 'pack'],
} as const;

export interface Output {
  readonly status: number | null;
  readonly output: string;
}

/**
 * The environment of a user: without the variables of the test runner, and without NODE_PATH, which
 * leads to the packages of this workspace.
 */
function userEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(NODE_(ENV|PATH|OPTIONS)|VITEST.*|TEST)$/.test(name));
  return { ...Object.fromEntries(own), NEXT_TELEMETRY_DISABLED: '1' };
}

export function run(folder: string, command: readonly string[]): Output {
  const [program = '', ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: folder, encoding: 'utf8', env: userEnvironment() });
  if (error !== undefined) throw error;
  return { status, output: `${stdout}${stderr}` };
}

/** @returns what the command printed. @throws {Error} with the same, if it fails */
export function runWell(folder: string, command: readonly string[]): string {
  const { status, output } = run(folder, command);
  if (status !== 0) throw new Error(`${command.join(' ')} ended with status ${status}:\n${output}`);
  return output;
}

/** @returns the tarball's path, below `folder` */
export function pack(packer: keyof typeof PACKERS, folder: string, from = PACKAGE_FOLDER): string {
  const out = mkdtempSync(join(folder, `${packer}-`));
  runWell(from, [...PACKERS[packer], '--pack-destination', out]);
  const [tarball = ''] = readdirSync(out).filter((name) => name.endsWith('.tgz'));
  return join(out, tarball);
}

export interface Project {
  readonly folder: string;
  /** Where the package is installed. */
  readonly installed: string;
  write(files: Readonly<Record<string, string | object>>): void;
  read(file: string): string;
}

export const scratchFolder = (): string => mkdtempSync(join(tmpdir(), 'qrcast-client-'));

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Creates a project that has only the package in it.
 *
 * @param packages further ones, from the registry; without them the network is not used
 */
export function createProject(folder: string, tarball: string, packages: readonly string[] = []): Project {
  const top = mkdtempSync(join(folder, 'project-'));
  const write = (files: Readonly<Record<string, string | object>>): void => {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(top, name)), { recursive: true });
      writeFileSync(join(top, name), typeof content === 'string' ? content : JSON.stringify(content));
    }
  };
  write({ 'package.json': { name: 'a-users-project', private: true } });
  const offline = packages.length === 0 ? ['--offline'] : ['--prefer-offline'];
  runWell(top, ['npm', 'install', '--no-audit', '--no-fund', ...offline, tarball, ...packages]);
  return {
    folder: top,
    installed: join(top, 'node_modules/@qrcast/client'),
    write,
    read: (file) => readFileSync(join(top, file), 'utf8'),
  };
}

/** Links packages of this workspace into the project, so that nothing is downloaded. */
export function lend({ folder }: Project, names: readonly string[]): void {
  for (const name of names) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(PACKAGE_FOLDER, 'node_modules', name), link);
  }
}
