/** `pnpm --filter @qrcast/docs build`: makes the site in `apps/docs/dist`, or in the folder that is named. */

import { fileURLToPath } from 'node:url';
import { writeSite } from './write-site.ts';

const [folder = fileURLToPath(new URL('../dist', import.meta.url))] = process.argv.slice(2);
const startedAt = performance.now();
const count = await writeSite(folder);
process.stdout.write(`${count} pages in ${Math.round(performance.now() - startedAt)} ms: ${folder}\n`);
