/**
 * Writes the list of licences, or with `--check` only compares it. Exits with status 1 if a licence
 * is not allowed, or the list is out of date.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAllowedLicence } from './allowed.ts';
import { createList, LIST_FILE } from './list.ts';
import { packagesOf, productionFolders } from './packages.ts';

const TOP = fileURLToPath(new URL('../../..', import.meta.url));

const all = packagesOf(TOP, productionFolders(TOP));
const list = createList(all, packagesOf(TOP, ['apps/web']));
const refused = all.filter(({ licence }) => !isAllowedLicence(licence));
for (const { name, version, licence } of refused)
  process.stderr.write(`${name} ${version}: ${licence ?? 'names no licence'}, not allowed\n`);
if (refused.length > 0) process.exitCode = 1;
if (!process.argv.includes('--check')) writeFileSync(join(TOP, LIST_FILE), list);
else if (list !== readFileSync(join(TOP, LIST_FILE), 'utf8')) {
  process.stderr.write(`${LIST_FILE} is out of date; run npx -y pnpm@12 --filter @qrcast/licences write\n`);
  process.exitCode = 1;
}
process.stdout.write(`${all.length} packages of others run in production\n`);
