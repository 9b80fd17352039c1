/**
 * The published package as a user installs it: the tarballs of npm and pnpm, in Node by `import`
 * and `require()`, and under the compiler.
 */

import { cpSync, globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createProject,
  lend,
  PACKAGE_FOLDER,
  PACKERS,
  type Project,
  pack,
  removeFolder,
  run,
  scratchFolder,
} from '../../../infra/test/packed-client.ts';
import { compile, ELEMENT, README_CODE, RESOLUTIONS, STRICT, screenWith } from '../test/typed-project.ts';

type Conditions = Readonly<Record<'import' | 'require', { readonly types: string; readonly default: string }>>;
interface Manifest {
  readonly exports: Readonly<Record<string, string | Conditions | { readonly types: string; readonly default: string }>>;
  readonly [field: string]: unknown;
}

const { version: VERSION } = JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8')) as { version: string };

const folder = scratchFolder();
const projects = {} as Record<keyof typeof PACKERS, Project>;
beforeAll(() => {
  for (const packer of ['npm', 'pnpm'] as const) projects[packer] = createProject(folder, pack(packer, folder));
  lend(projects.npm, ['react', '@types/react', 'socket.io-client']);
});
afterAll(() => removeFolder(folder));

const FRAMEWORKS = ['@types/react', 'preact', 'react', 'socket.io-client', 'svelte', 'vue'];
const isFramework = (specifier = '', file: string): boolean =>
  ['react', 'preact', 'vue', 'svelte/elements'].includes(specifier) && file.includes(specifier.replace('/elements', ''));

/** The paths in a value of `exports`, or of a field for older tools. */
const pathsIn = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(pathsIn) : [];

describe.each(['npm', 'pnpm'] as const)('the tarball of %s', (packer) => {
  const manifest = (): Manifest => JSON.parse(projects[packer].read('node_modules/@qrcast/client/package.json')) as Manifest;
  const files = (): string[] => globSync('**/*.*', { cwd: projects[packer].installed }).sort();

  it('contains every file that its manifest names', () => {
    const { exports, main, module, types, typesVersions, unpkg, jsdelivr } = manifest();
    const named = pathsIn([exports, main, module, types, typesVersions, unpkg, jsdelivr]).map((path) => path.replace(/^\.\//, ''));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !files().includes(path))).toEqual([]);
  });

  it('says what it is, needs no other package, and contains no path of the machine that made it', () => {
    const {
      exports,
      files: listed,
      version,
      license,
      engines,
      sideEffects,
      dependencies,
      peerDependencies,
      ...rest
    } = manifest() as Manifest & { peerDependencies: object };
    expect({ listed, version, license, engines, sideEffects, dependencies }).toEqual({
      listed: ['dist'],
      version: VERSION,
      license: 'MIT',
      engines: { node: '>=22' },
      sideEffects: false,
      dependencies: undefined,
    });
    expect(Object.keys(peerDependencies ?? {})).toEqual(FRAMEWORKS);
    expect(rest['peerDependenciesMeta']).toEqual(Object.fromEntries(FRAMEWORKS.map((name) => [name, { optional: true }])));
    expect(JSON.stringify(manifest())).not.toMatch(/workspace:|catalog:|link:|file:|https?:|src\//);
    expect(readdirSync(projects[packer].installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
  });

  it('contains no tests, sources or maps, and imports nothing from outside', () => {
    expect(files().filter((file) => /test|\.map$|(?<!\.d)\.ts$/.test(file))).toEqual([]);
    for (const file of files().filter((name) => name.startsWith('dist/'))) {
      const text = readFileSync(join(projects[packer].installed, file), 'utf8');
      expect(text, file).not.toMatch(/sourceMappingURL|\/tmp\/|\/home\/|\/root\//);
      const specifiers = [...text.matchAll(/(?:from |import |import\(|require\()['"]([^'"]+)['"]/g)].map(([, name = '']) => name);
      const own = specifiers.filter((specifier) => !isFramework(specifier, file));
      for (const specifier of own) {
        expect(specifier, file).toMatch(/^\.{1,2}\/.+\.js$/);
        expect(files(), file).toContain(new URL(specifier, `file:///${file}`).pathname.slice(1));
      }
    }
  });

  it('is the same as the tarball of the other packer', () => {
    const { scripts: _scripts, ...own } = manifest();
    const { scripts: _others, ...other } = JSON.parse(projects.npm.read('node_modules/@qrcast/client/package.json')) as Manifest;
    expect(own).toEqual(other);
    for (const file of files().filter((name) => name.startsWith('dist/')))
      expect(projects[packer].read(`node_modules/@qrcast/client/${file}`)).toBe(projects.npm.read(`node_modules/@qrcast/client/${file}`));
  });
});

describe.each(Object.keys(PACKERS) as (keyof typeof PACKERS)[])('in a project that installed the tarball of %s, Node', (packer) => {
  const USE = `
    async function main({ watchSession }, { socketIo }, types, manifest) {
      const watch = watchSession({ url: 'http://127.0.0.1:9', ticket: 't' });
      for await (const { type, data } of watch) {
        console.log(type, data.status, typeof socketIo, Object.keys(types).length, manifest.version);
        if (data.status === 'retrying') watch.close();
      }
    }`;
  const PRINTED = {
    status: 0,
    output: ['connecting', 'retrying', 'closed'].map((status) => `connection ${status} function 0 ${VERSION}\n`).join(''),
  };

  it('imports it', () => {
    const script = `
      import * as client from '@qrcast/client';
      import * as socketIo from '@qrcast/client/socket-io';
      import * as types from '@qrcast/client/types';
      import manifest from '@qrcast/client/package.json' with { type: 'json' };
      ${USE}
      await main(client, socketIo, types, manifest);`;
    projects[packer].write({ 'main.mjs': script });
    expect(run(projects[packer].folder, [process.execPath, 'main.mjs'])).toEqual(PRINTED);
  });

  it('requires it, even if require() supports no ES modules', () => {
    const script = `
      ${USE}
      void main(...['', '/socket-io', '/types', '/package.json'].map((path) => require('@qrcast/client' + path)));`;
    projects[packer].write({ 'main.cjs': script });
    expect(run(projects[packer].folder, [process.execPath, '--no-experimental-require-module', 'main.cjs'])).toEqual(PRINTED);
  });
});

describe('in a project that has React', () => {
  const PRINTED = { status: 0, output: '{"status":"closed"}\n' };
  const RENDER = `
    const Status = () => createElement('i', null, JSON.stringify(useSession(null).connection));
    console.log(renderToString(createElement(Status)).replaceAll('&quot;', '"').replace(/<.?i>/g, ''));`;
  it('the hook renders on a server, imported and required', () => {
    lend(projects.npm, ['react-dom']);
    const names = { react: 'createElement', 'react-dom/server': 'renderToString', '@qrcast/client/react': 'useSession' };
    const lines = (line: (name: string, from: string) => string): string =>
      Object.entries(names)
        .map(([from, name]) => line(name, from))
        .join('\n');
    projects.npm.write({
      'hook.mjs': lines((name, from) => `import { ${name} } from '${from}';`) + RENDER,
      'hook.cjs': lines((name, from) => `const { ${name} } = require('${from}');`) + RENDER,
    });
    expect(run(projects.npm.folder, [process.execPath, 'hook.mjs'])).toEqual(PRINTED);
    expect(run(projects.npm.folder, [process.execPath, '--no-experimental-require-module', 'hook.cjs'])).toEqual(PRINTED);
  });

  it.each(['esm', 'cjs'])('only the hook is marked as code for browsers (%s)', (kind) => {
    const directive = /^(?:"use strict";\s*)?'use client';/;
    const marked = globSync(`dist/${kind}/**/*.js`, { cwd: projects.npm.installed }).filter((file) =>
      directive.test(readFileSync(join(projects.npm.installed, file), 'utf8')),
    );
    expect(marked).toEqual([`dist/${kind}/react.js`]);
  });
});

describe('the compiler', () => {
  it.each(RESOLUTIONS)('accepts it, the element and the code of the README in a strict project: $name', (resolution) => {
    expect(README_CODE).toHaveLength(3);
    const skipLibCheck = resolution !== RESOLUTIONS[0]; // the declarations themselves are checked once, because it is slow
    const sources = [...README_CODE, STRICT, ELEMENT, screenWith('react')];
    expect(compile(projects.npm, resolution, sources, { skipLibCheck })).toEqual({ status: 0, output: '' });
  });
});

it('a checkout without the tools packs nothing and says what to do', () => {
  const checkout = join(folder, 'checkout');
  for (const path of ['package.json', 'infra/start', 'packages/client/package.json', 'packages/client/build.ts', 'packages/client/src'])
    cpSync(join(PACKAGE_FOLDER, '../..', path), join(checkout, path), { recursive: true });
  const { status, output } = run(join(checkout, 'packages/client'), PACKERS.npm);
  expect(status).not.toBe(0);
  expect(output).toContain('run `npx -y pnpm@12 install` at the root of the repository first');
  expect(globSync('packages/client/{*.tgz,dist*}', { cwd: checkout })).toEqual([]);
});

it('it is the only package of this repository that can be published', () => {
  const top = join(PACKAGE_FOLDER, '../..');
  const manifests = globSync(['package.json', '{apps,infra,packages}/*/package.json'], { cwd: top });
  const published = manifests.filter((file) => (JSON.parse(readFileSync(join(top, file), 'utf8')) as Manifest)['private'] !== true);
  expect(manifests.length).toBeGreaterThan(10);
  expect(published).toEqual(['packages/client/package.json']);
});

it('the manifest has the same versions of the tools as the workspace, because npm knows no catalog', () => {
  const catalog = readFileSync(join(PACKAGE_FOLDER, '../../pnpm-workspace.yaml'), 'utf8');
  const { devDependencies } = JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  for (const [name, version] of Object.entries(devDependencies)) {
    if (name !== '@qrcast/core') expect(catalog).toMatch(new RegExp(`^  "?${name}"?: ${version}$`, 'm'));
  }
});

it('is built so that every user of the machine can read it', () => {
  const dist = join(PACKAGE_FOLDER, 'dist');
  const closed = ['.', ...globSync('**/*', { cwd: dist })].filter((name) => (statSync(join(dist, name)).mode & 0o4) === 0);
  expect(closed).toEqual([]);
});
