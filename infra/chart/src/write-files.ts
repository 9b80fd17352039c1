/**
 * The command: writes what the chart has from elsewhere. The schema of the values, the alerts and the
 * board of infra/monitoring, and the table of values in README.md. A test compares them.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { madeFiles, withTable } from './made-files.ts';

const FOLDER = new URL('../', import.meta.url);
const README = new URL('README.md', FOLDER);

for (const [name, text] of Object.entries(madeFiles())) writeFileSync(new URL(name, FOLDER), text);
writeFileSync(README, withTable(readFileSync(README, 'utf8')));
