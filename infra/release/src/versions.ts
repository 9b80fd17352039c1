/** The version of every package of this workspace. They all have that of the root. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly version: string;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const readManifest = (path: string): Manifest => JSON.parse(readFileSync(path, 'utf8')) as Manifest; // pnpm checks them

export const versionOf = (top: string): string => readManifest(join(top, 'package.json')).version;

/** @returns each place that names another version than the root, as `file: version` */
export function otherVersions(top: string): readonly string[] {
  const version = versionOf(top);
  return namedVersions(top)
    .filter(([, named]) => named !== version)
    .map(([file, named]) => `${file}: ${named}`);
}

function namedVersions(top: string): readonly (readonly [file: string, version: string])[] {
  const manifests = globSync('{apps,packages,infra}/*/package.json', { cwd: top }).sort();
  const packages = manifests.map((file) => [file, readManifest(join(top, file)).version] as const);
  const client = 'packages/client/package.json'; // npm packs it, too, so it names the version and not `workspace:`
  const core = readManifest(join(top, client)).devDependencies?.['@qrcast/core'] ?? 'none';
  return [...packages, [`${client}, of @qrcast/core`, core], ...imageTags(top), ...chartVersions(top)];
}

/** Those that people copy. */
function imageTags(top: string): readonly (readonly [string, string])[] {
  return ['infra/compose/compose.yaml', 'infra/image/README.md'].flatMap((file) =>
    [...readFileSync(join(top, file), 'utf8').matchAll(/localhost\/qrcast:([\w.-]+)/g)].map(([, tag = '']) => [file, tag] as const),
  );
}

function chartVersions(top: string): readonly (readonly [string, string])[] {
  return globSync('infra/chart/*/Chart.yaml', { cwd: top }).flatMap((file) =>
    [...readFileSync(join(top, file), 'utf8').matchAll(/^(?:version|appVersion): "?([^"\n]+)"?$/gm)].map(
      ([, version = '']) => [file, version] as const,
    ),
  );
}
