/**
 * The published package under the tools that check packages, and under other compilers, frameworks
 * and test runners, all from npm.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProject, type Project, pack, removeFolder, run, runWell, scratchFolder } from '../../../infra/test/packed-client.ts';
import {
  compile,
  ELEMENT,
  OTHER_RESOLUTIONS,
  README_CODE,
  RESOLUTIONS,
  type Resolution,
  STRICT,
  screenWith,
} from '../test/typed-project.ts';

const folder = scratchFolder();
let tarball = '';
beforeAll(() => {
  tarball = pack('npm', folder);
});
afterAll(() => removeFolder(folder));

const project = (...packages: string[]): Project => createProject(folder, tarball, packages);
const [BUNDLER] = RESOLUTIONS as readonly [Resolution, ...Resolution[]];
const FINE = { status: 0, output: '' };

it('publint and Are The Types Wrong find nothing', () => {
  const { folder: tools, write } = project('publint@0.3.25', '@arethetypeswrong/core@0.18.5');
  write({
    'check.mjs': `
      import { readFileSync } from 'node:fs';
      import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
      import { publint } from 'publint';
      const data = readFileSync(process.argv[2]);
      const { messages } = await publint({ pack: { tarball: data.buffer.slice(data.byteOffset, data.byteOffset + data.length) }, strict: true });
      const { problems } = await checkPackage(createPackageFromTarballData(new Uint8Array(data)), { excludeEntrypoints: ['./client.js'] });
      const told = problems.filter(({ resolutionKind }) => resolutionKind !== 'node10').map(({ kind, entrypoint }) => kind + ' ' + entrypoint);
      console.log(JSON.stringify([...messages.map(({ code, path }) => code + ' ' + path?.join('.')), ...told]));`,
  });
  expect(run(tools, [process.execPath, 'check.mjs', tarball])).toEqual({ status: 0, output: '[]\n' });
});

describe.each([
  ['7.0.2', [...RESOLUTIONS, ...OTHER_RESOLUTIONS]],
  ['5.9.3', [...RESOLUTIONS, ...OTHER_RESOLUTIONS]],
  ['5.4.5', RESOLUTIONS],
] as const)('TypeScript %s', (version, resolutions) => {
  let typed: Project;
  beforeAll(() => {
    typed = project(`typescript@${version}`, 'react@19', '@types/react@19', 'socket.io-client@4');
  });

  it.each(resolutions)('resolves every entry: $name', (resolution) => {
    const sources = [...README_CODE, STRICT, ELEMENT, screenWith('react')];
    const skipLibCheck = version !== '7.0.2'; // the older ones are slow
    expect(compile(typed, resolution, sources, { tsc: 'node_modules/.bin/tsc', skipLibCheck })).toEqual(FINE);
  });
});

describe('types the element', () => {
  it.each([
    ['react-jsx', '18.2.8'],
    ['react-jsx', '18'],
    ['preserve', '18'],
    ['preserve', '19'],
  ])('in JSX as %s, with the types of React %s', (jsx, version) => {
    const typed = project(`@types/react@${version}`);
    const { code } = screenWith('react');
    // React 18 sets attributes alone: its JSX has neither functions nor listeners, but its types
    // are the same.
    const sources = [{ kind: 'tsx', code }];
    expect(compile(typed, BUNDLER, sources, { jsx, skipLibCheck: true })).toEqual(FINE);
  });

  it.each(['10.27.0', '10', '11'])('in the JSX of Preact %s', (version) => {
    const typed = project(`preact@${version}`);
    const { code } = screenWith('preact');
    expect(
      compile(typed, BUNDLER, [{ kind: 'tsx', code: code.replace('className=', 'class=') }], {
        jsxImportSource: 'preact',
        skipLibCheck: true,
      }),
    ).toEqual(FINE);
  });

  it('in the templates of Vue', () => {
    const typed = project('vue@3', 'vue-tsc@3', 'typescript@5.9.3');
    const template = (props: string): string => `<script setup lang="ts">
      import type {} from '@qrcast/client/element/vue';
      defineProps<{ ticket: string }>();
      </script>
      <template><qrcast-login :ticket="ticket" theme="dark" auto-return @qrcast-connected="(event) => event.detail.id.toUpperCase()" ${props} /></template>`;
    const check = (props: string) => {
      const compilerOptions = {
        module: 'esnext',
        moduleResolution: 'bundler',
        target: 'es2022',
        lib: ['es2022', 'dom'],
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        types: [],
      };
      typed.write({
        'tsconfig.json': { compilerOptions, vueCompilerOptions: { strictTemplates: true }, files: ['Login.vue'] },
        'Login.vue': template(props),
      });
      return run(typed.folder, ['node_modules/.bin/vue-tsc', '-p', 'tsconfig.json']);
    };
    expect(check('')).toEqual(FINE);
    expect(check(':url="7"').output).toContain("Type 'number' is not assignable to type 'string'");
  });

  it('in the markup of Svelte', () => {
    const typed = project('svelte@5', 'svelte-check@4', 'typescript@5.9.3');
    const check = (props: string) => {
      typed.write({
        'tsconfig.json': {
          compilerOptions: { module: 'esnext', moduleResolution: 'bundler', strict: true, skipLibCheck: true, types: [] },
          include: ['*.svelte'],
        },
        'Login.svelte': `<script lang="ts">
          import type {} from '@qrcast/client/element/svelte';
          let { ticket }: { ticket: string } = $props();
          </script>
          <qrcast-login {ticket} theme="dark" auto-return onqrcast-connected={({ detail }) => detail.id.toUpperCase()} ${props}></qrcast-login>`,
      });
      return run(typed.folder, ['node_modules/.bin/svelte-check', '--tsconfig', 'tsconfig.json', '--output', 'machine']);
    };
    expect(check('')).toMatchObject({ status: 0 });
    expect(check('url={7}').output).toContain("Type 'number' is not assignable to type 'string'");
  });

  it('in a project of pnpm that hoists nothing', () => {
    const typed = project();
    typed.write({
      'strict/package.json': { private: true, type: 'module', pnpm: {} },
      'strict/pnpm-workspace.yaml': 'hoist: false\npackages: []\n',
    });
    runWell(`${typed.folder}/strict`, ['npx', '-y', 'pnpm@12', 'add', '--ignore-scripts', tarball, 'react@19', '@types/react@19']);
    const strict: Project = {
      ...typed,
      folder: `${typed.folder}/strict`,
      write: (files) => typed.write(Object.fromEntries(Object.entries(files).map(([name, content]) => [`strict/${name}`, content]))),
    };
    expect(compile(strict, BUNDLER, [screenWith('react'), ELEMENT], { skipLibCheck: true })).toEqual(FINE);
  });
});

describe('Jest', () => {
  it.each([
    ['as it comes, without modules', []],
    ['with modules', ['--experimental-vm-modules']],
  ])('%s, runs a test that uses it, in Node and in jsdom', (_name, flags) => {
    const tested = project('jest@30', 'jest-environment-jsdom@30', 'react@19', 'react-dom@19');
    const isModule = flags.length > 0;
    const load = (names: string, from: string): string =>
      isModule ? `import { ${names} } from '${from}';` : `const { ${names} } = require('${from}');`;
    for (const environment of ['node', 'jsdom']) {
      tested.write({
        [`${environment}.test.${isModule ? 'mjs' : 'js'}`]: `/** @jest-environment ${environment} */
          ${load('watchSession', '@qrcast/client')}
          ${load('socketIo', '@qrcast/client/socket-io')}
          ${load('useSession', '@qrcast/client/react')}
          test('it is installed', () => {
            expect([typeof watchSession, typeof socketIo, typeof useSession]).toEqual(['function', 'function', 'function']);
            expect(() => watchSession({ url: 7, ticket: 't' })).toThrow('url');
          });`,
      });
    }
    tested.write({ 'jest.config.json': { testMatch: ['**/*.test.*js'], transform: isModule ? {} : undefined } });
    const { status, output } = run(tested.folder, [
      process.execPath,
      ...flags,
      'node_modules/jest/bin/jest.js',
      '--config',
      'jest.config.json',
    ]);
    expect(output).toContain('2 passed, 2 total');
    expect(status).toBe(0);
  });
});

it('node10, if TypeScript still has it, types every entry', () => {
  const old = project('typescript@5.9.3', 'react@19', '@types/react@19', 'socket.io-client@4');
  const node10: Resolution = { name: 'node10', module: 'commonjs', moduleResolution: 'node10', type: 'commonjs' };
  const sources = [STRICT, ELEMENT, screenWith('react')];
  expect(compile(old, node10, sources, { tsc: 'node_modules/.bin/tsc', skipLibCheck: true })).toEqual(FINE);
});
