/** The packages for npm, as tarballs. */

import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';

const SIMULATOR = 'packages/simulator';
const CORE = 'core';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly license: string;
  readonly engines?: object;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

const read = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest; // a package of ours

/** It builds the package first. */
export function packClient(top: string, out: string): void {
  run('pnpm', ['pack', '--pack-destination', out], { cwd: join(top, 'packages/client') });
}

/** In the workspace its sources run as they are. Node does not run TypeScript in a dependency, so here it is compiled. */
export function packSimulator(top: string, out: string): void {
  const stage = mkdtempSync(join(tmpdir(), 'qrcast-simulator-'));
  try {
    compileSimulator(top, join(stage, 'dist'));
    cpSync(join(top, SIMULATOR, 'README.md'), join(stage, 'README.md'));
    cpSync(join(top, 'LICENSE'), join(stage, 'LICENSE'));
    writeFileSync(join(stage, 'package.json'), `${JSON.stringify(publicManifest(top), null, 2)}\n`);
    run('pnpm', ['pack', '--pack-destination', out], { cwd: stage });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** The few modules of core that it imports come along, because core is not published. */
function compileSimulator(top: string, dist: string): void {
  const compiled = mkdtempSync(join(tmpdir(), 'qrcast-compiled-'));
  try {
    run('tsc', ['--project', 'infra/release/tsconfig.simulator.json', '--outDir', compiled], { cwd: top });
    mkdirSync(dist);
    cpSync(join(compiled, 'simulator/src'), dist, { recursive: true });
    cpSync(join(compiled, 'core/src'), join(dist, CORE), { recursive: true });
    for (const file of globSync('**/*.{js,d.ts}', { cwd: dist })) {
      const text = readFileSync(join(dist, file), 'utf8');
      writeFileSync(join(dist, file), withOwnImports(text));
    }
    const main = join(dist, 'main.js');
    writeFileSync(main, `#!/usr/bin/env node\n${readFileSync(main, 'utf8')}`);
  } finally {
    rmSync(compiled, { recursive: true, force: true });
  }
}

/** The compiler leaves `.ts` in the specifiers of declarations (microsoft/TypeScript issue 61037). */
function withOwnImports(text: string): string {
  return text
    .replaceAll(/'@qrcast\/core\/([\w-]+)'/g, `'./${CORE}/$1.js'`)
    .replaceAll(/((?:from|import) ['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2');
}

function publicManifest(top: string): object {
  const { name, version, license, exports, dependencies } = read(join(top, SIMULATOR));
  const others = Object.keys(dependencies).filter((dependency) => !dependency.startsWith('@qrcast/'));
  const entries = Object.entries(exports).map(([path, source]) => {
    const built = source.replace('./src/', './dist/').replace(/\.ts$/, '');
    return [path, { types: `${built}.d.ts`, default: `${built}.js` }] as const;
  });
  return {
    name,
    version,
    description: "A scripted fake of GREEN-API's MAX v3, for tests without a phone",
    license,
    type: 'module',
    engines: read(top).engines,
    bin: { 'qrcast-simulator': './dist/main.js' },
    exports: { ...Object.fromEntries(entries), './package.json': './package.json' },
    files: ['dist'],
    publishConfig: { access: 'public' },
    dependencies: Object.fromEntries(others.map((one) => [one, read(join(top, SIMULATOR, 'node_modules', one)).version])),
  };
}
