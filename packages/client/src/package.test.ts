/** What is published, as a user installs it: built code and declarations, and nothing that reaches back into this repository. */

import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const TOP = fileURLToPath(new URL('..', import.meta.url));

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly publishConfig: { readonly exports: Readonly<Record<string, unknown>> };
  readonly dependencies?: unknown;
}
const manifest = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8')) as Manifest;

/** A user's project with the package in its node_modules. */
let project = '';
let installed = '';
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'qrcast-client-'));
  installed = join(project, 'node_modules/@qrcast/client');
  mkdirSync(installed, { recursive: true });
  expect(run(process.execPath, join(TOP, 'build.ts'), join(installed, 'dist'))).toEqual({ status: 0, output: '' });
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ ...manifest, exports: manifest.publishConfig.exports }));
  for (const peer of ['react', '@types/react', 'socket.io-client']) {
    mkdirSync(join(project, 'node_modules', peer, '..'), { recursive: true });
    symlinkSync(join(TOP, 'node_modules', peer), join(project, 'node_modules', peer));
  }
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

function run(program: string, ...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: project, encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
}

const STRICT = `
  import { useSession } from '@qrcast/client/react';
  import { socketIo } from '@qrcast/client/socket-io';
  import type { Session, Snapshot } from '@qrcast/client/types';
  import { watchSession } from '@qrcast/client';
  import { io } from 'socket.io-client';
  const watch = watchSession({ url: 'https://a', ticket: 't', transport: socketIo(io) });
  const snapshot: Snapshot = watch.snapshot;
  export const undo: () => void = watch.on('session', (session: Session) => session.code?.staleAt.toFixed());
  export const state: 'connected' | null = snapshot.session?.state === 'connected' ? snapshot.session.state : null;
  // @ts-expect-error: a ticket is text
  useSession({ url: 'https://a', ticket: 7 });`;

describe('the published package', () => {
  it('has the subpaths of the workspace, and no dependencies', () => {
    const paths = Object.keys(manifest.publishConfig.exports).filter((path) => path !== './package.json');
    expect(paths).toEqual(Object.keys(manifest.exports));
    expect(manifest.dependencies).toBeUndefined();
    for (const file of globSync('dist/*.{js,d.ts}', { cwd: installed })) {
      const specifiers = [...readFileSync(join(installed, file), 'utf8').matchAll(/(?:from|import) '([^']+)'/g)].map(([, name]) => name);
      for (const specifier of specifiers) expect(specifier, file).toMatch(file.includes('react') ? /^react$|^\.\/.+\.js$/ : /^\.\/.+\.js$/);
    }
  });

  it('holds no tests', () => {
    expect(globSync('dist/*test*', { cwd: installed })).toEqual([]);
  });

  it('runs in Node as it is', () => {
    const script = `
      import { watchSession } from '@qrcast/client';
      import { socketIo } from '@qrcast/client/socket-io';
      import { useSession } from '@qrcast/client/react';
      import * as types from '@qrcast/client/types';
      const watch = watchSession({ url: 'http://127.0.0.1:9', ticket: 't' });
      for await (const { type, data } of watch) {
        console.log(type, data.status, typeof socketIo, typeof useSession, Object.keys(types).length);
        if (data.status === 'retrying') watch.close();
      }`;
    writeFileSync(join(project, 'main.mjs'), script);
    expect(run(process.execPath, 'main.mjs')).toEqual({
      status: 0,
      output: ['connecting', 'retrying', 'closed'].map((status) => `connection ${status} function function 0\n`).join(''),
    });
  });

  it.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])('is typed for a strict project (%s, %s), and so is the code of its README', (module, moduleResolution) => {
    const blocks = [...readFileSync(join(TOP, 'README.md'), 'utf8').matchAll(/```(tsx?)\n(.*?)```/gs)];
    const files = [...blocks.map(([, kind, code = '']) => ({ kind, code })), { kind: 'ts', code: STRICT }].map(({ kind, code }, i) => {
      writeFileSync(join(project, `main-${i}.${kind}`), code);
      return `main-${i}.${kind}`;
    });
    expect(files).toHaveLength(4);
    const options = {
      module,
      moduleResolution,
      target: 'es2022',
      lib: ['es2022', 'dom'],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      jsx: 'react-jsx',
      types: [],
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
    expect(run('tsc', '-p', 'tsconfig.json')).toEqual({ status: 0, output: '' });
  });
});
