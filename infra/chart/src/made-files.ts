/** The files of the chart that are made from others. Helm packs only what is in the chart's folder. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { VALUES_SCHEMA } from './values-schema.ts';
import { valuesTable } from './values-table.ts';

const read = (url: string): string => readFileSync(fileURLToPath(url), 'utf8');

/** Their texts by their paths below infra/chart. */
export function madeFiles(): Record<string, string> {
  return {
    'qrcast/values.schema.json': `${JSON.stringify(VALUES_SCHEMA, null, 2)}\n`,
    'qrcast/files/alerts.yaml': read(import.meta.resolve('@qrcast/monitoring/alerts.yaml')),
    'qrcast/files/grafana-board.json': read(import.meta.resolve('@qrcast/monitoring/grafana-board.json')),
  };
}

const TABLE = /(<!-- values -->\n\n).*?(\n\n<!-- end of values -->)/s;

/** @returns README.md with the table of values as it is now */
export function withTable(readme: string): string {
  const values = readFileSync(new URL('../qrcast/values.yaml', import.meta.url), 'utf8');
  return readme.replace(TABLE, (_whole, before: string, after: string) => `${before}${valuesTable(values)}${after}`);
}
