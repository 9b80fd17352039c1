/**
 * Finds the packages of others that run in production. It goes from package.json to package.json,
 * as Node itself would.
 */

import { existsSync, globSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Package {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression; null if the package names none. */
  readonly licence: string | null;
  /** The text of the licence in the package; null if it has none. */
  readonly text: string | null;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: unknown;
  /** Old packages name their licences in this form. */
  readonly licenses?: unknown;
  readonly os?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Folders for those who work on the project, or copy from it. */
const NOT_IN_PRODUCTION = ['apps/examples', 'infra/bench', 'infra/chart', 'infra/checks', 'infra/compose', 'infra/image', 'infra/licences'];

/** Node itself. It comes as one package per platform, and is listed once on every platform. */
const RUNTIME = /^node-(?:linux|darwin|win)-\w+$/;
const RUNTIME_LICENCE = 'MIT';

/** @returns the project's own folders whose dependencies are installed or bundled in production */
export function productionFolders(top: string): string[] {
  const folders = globSync('{apps,packages,infra}/*/package.json', { cwd: top }).map((file) => dirname(file).replaceAll('\\', '/'));
  return ['.', ...folders.filter((folder) => !NOT_IN_PRODUCTION.includes(folder)).sort()];
}

/**
 * Packages for a single operating system are left out. They are parts of a package that is listed,
 * under the same licence, and would make the list differ between machines.
 *
 * @returns all packages that these folders need, directly or indirectly, by name
 * @throws {Error} if one is not installed
 */
export function packagesOf(top: string, folders: readonly string[]): Package[] {
  const found = new Map<string, Package>();
  const seen = new Set<string>();
  function visit(folder: string, isOurs: boolean): void {
    if (seen.has(folder)) return;
    seen.add(folder);
    const manifest = readManifest(folder);
    if (manifest.os !== undefined) return;
    if (!isOurs) found.set(`${manifest.name}@${manifest.version}`, describe(folder, manifest));
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      const place = resolve(folder, name);
      if (place === null) throw new Error(`${name}, which ${manifest.name} needs, is not installed; run npx -y pnpm@12 install`);
      visit(place, !place.includes('node_modules'));
    }
    for (const [name, version] of Object.entries(manifest.optionalDependencies ?? {})) {
      if (isOurs && RUNTIME.test(name)) found.set('node', { name: 'node', version, licence: RUNTIME_LICENCE, text: null });
      const place = resolve(folder, name);
      if (place !== null) visit(place, false);
    }
  }
  for (const folder of folders) visit(realpathSync(join(top, folder)), true);
  return [...found.values()].sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
}

function describe(folder: string, manifest: Manifest): Package {
  const { name, version } = manifest;
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry));
  const text = file === undefined ? null : readFileSync(join(folder, file), 'utf8').trim();
  return { name, version, licence: licenceOf(manifest), text };
}

function licenceOf({ license, licenses }: Manifest): string | null {
  if (typeof license === 'string') return license;
  const types = Array.isArray(licenses) ? licenses.map((one: { readonly type?: unknown }) => one.type) : [];
  return types.length === 1 && typeof types[0] === 'string' ? types[0] : null;
}

/**
 * @returns the folder of the package `name`, looked for upwards as Node does; null if there is none
 */
function resolve(from: string, name: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name);
    if (existsSync(join(place, 'package.json'))) return realpathSync(place);
    if (folder === dirname(folder)) return null;
  }
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest; // npm installs no package of another shape
}
