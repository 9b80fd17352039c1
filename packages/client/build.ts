/**
 * What is published: `node build.ts [folder]`, by default into `dist`. The compiler leaves `.ts` in the specifiers of declarations
 * (microsoft/TypeScript issue 61037), and not every editor reads that; so they are rewritten, as in the code.
 */

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, 'dist'));
rmSync(folder, { recursive: true, force: true });
const { status, error } = spawnSync('tsc', ['-p', join(import.meta.dirname, 'tsconfig.build.json'), '--outDir', folder], {
  stdio: 'inherit',
});
if (error !== undefined) throw error;
for (const file of globSync(join(folder, '*.d.ts'))) {
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/(from '\.\/[^']+)\.ts'/g, "$1.js'"));
}
process.exitCode = status ?? 1;
