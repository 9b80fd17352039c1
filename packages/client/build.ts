/**
 * Builds what is published, `node build.ts [folder]`, by default into `dist`:
 *
 * - `esm/` and `cjs/`: every module with its types, for `import` and for `require()`. The package
 *   has no state of its own, so a program may load both.
 * - `client.js`: the whole client in one minified module, for a page without a bundler. The gateway
 *   serves the same file.
 *
 * The build writes to a folder beside the target and replaces the target at the end, if anything
 * changed. So two packers may run at once.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';

const TOP = import.meta.dirname;
const INSTALL_FIRST =
  'the tools that build @qrcast/client are not installed: run `npx -y pnpm@12 install` at the root of the repository first';

/** The user who runs qrcast need not be the one who builds it. */
const READABLE = 0o755;

const target = resolve(process.argv[2] ?? join(TOP, 'dist'));
mkdirSync(dirname(target), { recursive: true });
const scratch = mkdtempSync(`${target}.new-`);
try {
  const tsc = findCompiler();
  compile(tsc, 'esm', 'nodenext');
  compile(tsc, 'cjs', 'commonjs');
  writeFileSync(join(scratch, 'cjs/package.json'), '{ "type": "commonjs" }\n');
  for (const file of ['browser.js', 'browser.d.ts']) rmSync(join(scratch, 'cjs', file)); // no page requires it
  await bundle();
  replace(target, scratch);
  chmodSync(target, READABLE); // a folder by mkdtemp is for its owner alone
} catch (error) {
  process.stderr.write(`@qrcast/client: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function findCompiler(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  } catch (cause) {
    throw new Error(INSTALL_FIRST, { cause });
  }
}

/**
 * The compiler leaves `.ts` in the specifiers of declarations (microsoft/TypeScript issue 61037),
 * and not every editor understands that. So this rewrites them to `.js`, as the compiler does in
 * the code.
 */
function compile(tsc: string, folder: string, module: string): void {
  const out = join(scratch, folder);
  const resolution = module === 'commonjs' ? 'bundler' : module;
  const options = ['--outDir', out, '--module', module, '--moduleResolution', resolution];
  const { status, error } = spawnSync(process.execPath, [tsc, '-p', join(TOP, 'tsconfig.build.json'), ...options], {
    stdio: ['ignore', 2, 2], // npm's own output stays one line, or JSON
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`the compiler refused the sources (${folder}); see its messages above`);
  for (const file of globSync('src/*.d.ts', { cwd: TOP })) {
    const name = basename(file, '.d.ts');
    copyFileSync(join(TOP, file), join(out, `${name}.d.ts`));
    writeFileSync(join(out, `${name}.js`), module === 'commonjs' ? '"use strict";\n' : 'export {};\n'); // types alone
  }
  for (const file of globSync(join(out, '**/*.d.ts'))) {
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/((?:from|import) '\.{1,2}\/[^']+)\.ts'/g, "$1.js'"));
  }
}

async function bundle(): Promise<void> {
  const { build } = await import('vite').catch((cause: unknown) => {
    throw new Error(INSTALL_FIRST, { cause });
  });
  await build({
    configFile: false,
    logLevel: 'error',
    root: TOP,
    build: {
      outDir: scratch,
      emptyOutDir: false,
      target: 'es2022',
      minify: true,
      rollupOptions: {
        input: join(TOP, 'src/browser.ts'),
        preserveEntrySignatures: 'strict', // a page imports what it exports
        output: { entryFileNames: 'client.js' },
      },
      modulePreload: { polyfill: false },
    },
  });
}

function replace(old: string, built: string): void {
  if (fingerprint(old) === fingerprint(built)) return;
  rmSync(old, { recursive: true, force: true });
  renameSync(built, old);
}

/** The same text for two folders whose files have the same names and contents. */
function fingerprint(folder: string): string {
  const files = globSync('**/*.{js,ts,json}', { cwd: folder }).sort();
  return JSON.stringify(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
}
