/**
 * The checklist in SPEC.md names real tests and leaves no rule out. Its truth table is checked in
 * reduce.test.ts.
 */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const spec = readFileSync(new URL('../SPEC.md', import.meta.url), 'utf8');
const [, block = ''] = /<!-- checklist -->\n([\s\S]*?)<!-- \/checklist -->/.exec(spec) ?? [];
const rows = [...block.matchAll(/^\| +([IF]\d+) +\| +`([^`]+)` +\| +`([^`]+)` +\|$/gm)].map(([, rule = '', file = '', name = '']) => ({
  rule,
  file,
  name,
}));

test.each(rows)('$rule is proved in $file: $name', ({ file, name }) => {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  expect(['"', "'", '`'].some((quote) => text.includes(quote + name + quote))).toBe(true);
});

test('every rule has a row, and every row can be read', () => {
  const rules = [...spec.matchAll(/^- \*\*([IF]\d+)\*\*/gm)].map(([, rule]) => rule);
  expect(rules.length).toBeGreaterThan(0);
  expect([...new Set(rows.map(({ rule }) => rule))]).toEqual(rules);
  expect(rows.length).toBe(block.trim().split('\n').length - 2);
});
