/** The files of a release: twice the same, and of use to whoever installs them in an empty folder. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathspecsOf } from './archives.ts';
import { CHECKSUMS, makeRelease } from './make-release.ts';
import { run } from './run.ts';
import { versionOf } from './versions.ts';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const VERSION = versionOf(TOP);
const scratch = mkdtempSync(join(tmpdir(), 'qrcast-release-'));
const [first, second] = [join(scratch, 'first'), join(scratch, 'second')];
let names: readonly string[];
beforeAll(() => {
  names = makeRelease(TOP, first);
  makeRelease(TOP, second);
});
afterAll(() => rmSync(scratch, { recursive: true }));

const fileOf = (name: string): string => join(first, `${name}-${VERSION}.tgz`);
const listed = (name: string): string[] =>
  String(execFileSync('tar', ['-tzf', fileOf(name)]))
    .trim()
    .split('\n');

it('has all files, and two runs make the same bytes', () => {
  expect(names.filter((name) => name !== `qrcast-${VERSION}.tgz`)).toEqual([
    'RELEASE-NOTES.md',
    CHECKSUMS,
    `qrcast-${VERSION}.cdx.json`,
    ...['client', 'image-context', 'simulator'].map((name) => `qrcast-${name}-${VERSION}.tgz`),
  ]);
  expect(readFileSync(join(second, CHECKSUMS), 'utf8')).toBe(readFileSync(join(first, CHECKSUMS), 'utf8'));
  execFileSync('sha256sum', ['--check', '--strict', CHECKSUMS], { cwd: first });
  expect(readFileSync(join(first, 'RELEASE-NOTES.md'), 'utf8').length).toBeGreaterThan(100);
});

it('the image is built from what .dockerignore lets in, and no time but that of the commit is in it', () => {
  const files = listed('qrcast-image-context');
  expect(files).toEqual(expect.arrayContaining(['package.json', 'LICENSE', 'infra/image/Dockerfile', 'apps/gateway/src/main.ts']));
  expect(files.filter((file) => /(^|\/)(test|e2e|node_modules|dist|\.env.*)\/|\.test\.ts$/.test(file))).toEqual([]);
  const tar = gunzipSync(readFileSync(fileOf('qrcast-image-context')));
  const committedAt = Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: TOP }));
  expect(Number.parseInt(tar.toString('latin1', 1024 + 136, 1024 + 147), 8)).toBe(committedAt); // the first entry follows a header of the commit's id
});

it('a .dockerignore that lets in what it does not name is refused', () => {
  expect(pathspecsOf('# a word\n*\n!apps\n**/dist\n')).toEqual([
    ':(top)apps',
    ':(top,exclude,glob)**/dist',
    ':(top,exclude,glob)**/dist/**',
  ]);
  expect(() => pathspecsOf('**/dist\n')).toThrow('begin with *');
});

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly exports: object;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** The paths in a value of `exports`. */
const pathsIn = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(pathsIn) : [];

describe.each(['client', 'simulator'])('@qrcast/%s', (name) => {
  const project = join(scratch, name);
  const installed = join(project, 'node_modules/@qrcast', name);
  const files = (): string[] => globSync('**/*.*', { cwd: installed, exclude: ['node_modules'] }).sort();
  const manifest = (): Manifest => JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest; // pnpm wrote it
  beforeAll(() => {
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{"name": "a-users-project", "private": true, "type": "module"}');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', fileOf(`qrcast-${name}`)], { cwd: project });
  });

  it('says what it is, has its licence, and needs no package of the workspace', () => {
    const { version, license, dependencies = {} } = manifest();
    expect({ version, license }).toEqual({ version: VERSION, license: 'MIT' });
    expect(readFileSync(join(installed, 'LICENSE'), 'utf8')).toBe(readFileSync(join(TOP, 'LICENSE'), 'utf8'));
    expect(Object.keys(dependencies).filter((one) => one.startsWith('@qrcast/'))).toEqual([]);
    expect(Object.values(dependencies).filter((range) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual([]);
    expect(
      readdirSync(installed)
        .filter((one) => one !== 'node_modules')
        .sort(),
    ).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
  });

  it('has every file that it names, no sources or tests, and no map', () => {
    const named = pathsIn(manifest().exports).map((path) => path.replace('./', ''));
    expect(named.filter((path) => !files().includes(path))).toEqual([]);
    expect(files().filter((file) => /\.map$|\.test\.|(?<!\.d)\.ts$/.test(file))).toEqual([]);
    for (const file of files().filter((one) => /\.(js|ts)$/.test(one))) {
      const text = readFileSync(join(installed, file), 'utf8');
      expect(text, file).not.toMatch(/sourceMappingURL|workspace:|@qrcast\/core/);
      const own = [...text.matchAll(/(?:from |import |import\(|require\()['"](\.{1,2}\/[^'"]+)['"]/g)].map(([, path = '']) => path);
      for (const path of own) expect(files(), `${file} imports ${path}`).toContain(join(dirname(file), path));
    }
  });
});

/** With the types of Node, which every program for Node has. */
function compile(project: string, source: string): void {
  writeFileSync(join(project, 'use.ts'), source);
  const types = ['--types', 'node', '--typeRoots', join(TOP, 'node_modules/@types')];
  run('tsc', ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', ...types, 'use.ts'], { cwd: project });
}

const runModule = (project: string, source: string): string => {
  writeFileSync(join(project, 'use.mjs'), source);
  return String(execFileSync(process.execPath, ['use.mjs'], { cwd: project }));
};

it('both work together in Node, as their users write them', () => {
  const project = join(scratch, 'simulator');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', fileOf('qrcast-client')], { cwd: project });
  const script = `
    import { watchSession } from '@qrcast/client';
    import { openSimulator } from '@qrcast/simulator/simulator';
    const simulator = await openSimulator({ rotateMs: 500 });
    const { idInstance, apiToken } = simulator.createInstance();
    const response = await fetch(\`\${simulator.url}/waInstance\${idInstance}/qr/\${apiToken}\`);
    const { type } = await response.json();
    const watch = watchSession({ url: simulator.url, ticket: 't' });
    watch.close();
    console.log(response.status, type, watch.snapshot.connection.status);
    await simulator.close();`;
  expect(runModule(project, script)).toBe('200 qrCode closed\n');
});

it('their types are those of the sources', () => {
  const project = join(scratch, 'simulator');
  const use = `
    import { watchSession } from '@qrcast/client';
    import type { SessionWatch } from '@qrcast/client/types';
    import { openSimulator } from '@qrcast/simulator/simulator';
    import type { Instance } from '@qrcast/simulator/instance';
    const watch: SessionWatch = watchSession({ url: 'http://127.0.0.1', ticket: 't' });
    const instance: Instance = (await openSimulator({ rotateMs: 500 })).createInstance();
    // @ts-expect-error there is no such fault
    instance.fail('qr', 'no such fault');
    console.log(watch, instance.phone.length);
    export {};`;
  expect(() => compile(project, use)).not.toThrow();
});

it('the simulator is a program, too', async () => {
  const bin = join(scratch, 'simulator/node_modules/.bin/qrcast-simulator');
  const child = spawn(bin, { env: { PATH: process.env['PATH'] ?? '', SIMULATOR_PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill();
  await once(child, 'close');
  expect(String(text)).toContain('http://127.0.0.1:');
});
