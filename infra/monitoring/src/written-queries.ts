/** The queries that the documents give to people who have no Grafana. */

import { readFileSync } from 'node:fs';

const DOCUMENTS = ['RUNBOOK.md', 'OPERATING.md'];
const BLOCK = /^```promql\n(.*?)^```/gms;
/** Names the queries below it. */
const COMMENT = /^#/;

/** In the order of the documents. */
export function writtenQueries(): readonly string[] {
  const texts = DOCUMENTS.map((name) => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8'));
  const lines = texts.flatMap((text) => [...text.matchAll(BLOCK)].flatMap(([, block = '']) => block.trim().split('\n')));
  return lines.filter((line) => !COMMENT.test(line));
}
