/**
 * Writes the tables of CAPACITY.md. With a load, prints its plan instead:
 *
 *   --waiting 30000 [--viewers 2] [--poll-every 5] [--code-every 20] [--stayed 60]
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { withTables } from './document.ts';
import { checkPlan } from './incidents.ts';
import { outcomesTable, plansTable } from './tables.ts';
import { readUnitCosts } from './unit-costs.ts';

const DOCUMENT = fileURLToPath(new URL('../../../CAPACITY.md', import.meta.url));
const SEED = 1;

const USAGE = 'usage: plan --waiting 30000 [--viewers 2] [--poll-every 5] [--code-every 20] [--stayed 60]';

function readOptions() {
  try {
    return parseArgs({
      options: {
        waiting: { type: 'string' },
        viewers: { type: 'string', default: '1' },
        'poll-every': { type: 'string', default: '5' },
        'code-every': { type: 'string', default: '20' },
        stayed: { type: 'string', default: '60' },
      },
    }).values;
  } catch (error) {
    return refuse(`${(error as Error).message}\n${USAGE}`); // a TypeError of parseArgs
  }
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  return value > 0 && Number.isFinite(value) ? value : refuse(`--${name}: expected a number above 0, got "${text}"`);
}

const values = readOptions();
if (values.waiting === undefined) writeFileSync(DOCUMENT, withTables(readFileSync(DOCUMENT, 'utf8')));
else {
  const load = {
    name: `${values.waiting} waiting, ${values.viewers} viewers each`,
    waiting: numberOf('waiting', values.waiting),
    viewersPerSession: numberOf('viewers', values.viewers),
    pollEverySeconds: numberOf('poll-every', values['poll-every']),
    codeEverySeconds: numberOf('code-every', values['code-every']),
    stayedSeconds: numberOf('stayed', values.stayed),
  };
  const checked = checkPlan(load, readUnitCosts(), SEED);
  process.stdout.write(`${plansTable([checked])}\n\n${outcomesTable(checked)}\n`);
}
