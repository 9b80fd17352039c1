/** Reads which file of this workspace imports which other file of it, types included. */

import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';

/** Both are paths from the top of the repository. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

/** The formatter puts each import at the start of a line and in single quotes. */
const SPECIFIERS = [
  /^(?:import|export)\b(?:[^;'"=]*\bfrom)? '([^']+)'/gm,
  /\bimport\('([^']+)'\)/g,
  /\bimport\.meta\.resolve\('([^']+)'\)/g,
  /\bnew URL\('([^']+\.ts)', import\.meta\.url\)/g, // a module that is started as a thread or a process
];

export function specifiersIn(text: string): string[] {
  return SPECIFIERS.flatMap((pattern) => [...text.matchAll(pattern)].map(([, specifier = '']) => specifier));
}

/** @param top the folder of the repository */
export function readImports(top: string): Import[] {
  const files = globSync('{apps,packages,infra}/**/*.{ts,tsx,js,mjs}', { cwd: top, exclude: ['**/node_modules', '**/dist'] });
  const packages = readPackages(top);
  return files
    .map((file) => file.replaceAll('\\', '/'))
    .flatMap((from) =>
      specifiersIn(readFileSync(join(top, from), 'utf8')).flatMap((specifier) => {
        const to = resolve(from, specifier, packages);
        return to === null ? [] : [{ from, to }];
      }),
    )
    .sort((a, b) => (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1));
}

/** What leads to a package's sources or, if its users get a build, to its folder. */
type Exports = Readonly<Record<string, unknown>>;

function readPackages(top: string): ReadonlyMap<string, { readonly folder: string; readonly exports: Exports }> {
  const manifests = globSync('{apps,packages,infra}/*/package.json', { cwd: top });
  return new Map(
    manifests.map((file) => {
      const { name, exports = {} } = JSON.parse(readFileSync(join(top, file), 'utf8')) as { name: string; exports?: Exports };
      return [name, { folder: dirname(file.replaceAll('\\', '/')), exports }];
    }),
  );
}

/** @returns null for a package of others, and for what is part of Node */
function resolve(from: string, specifier: string, packages: ReturnType<typeof readPackages>): string | null {
  if (specifier.startsWith('.')) return join(dirname(from), specifier);
  const [scope = '', name = '', ...path] = specifier.split('/');
  const found = packages.get(`${scope}/${name}`);
  if (found === undefined) return null;
  const target = found.exports[['.', ...path].join('/')];
  return join(found.folder, typeof target === 'string' ? target : 'dist');
}
