/** CONTRIBUTING.md's "Where to add what" names files that exist, and names that are in them. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const CONTRIBUTING = readFileSync(`${TOP}CONTRIBUTING.md`, 'utf8');

/** What the section writes for the sources of a package. */
const SHORT: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['core', 'runtime', 'client', 'provider'].map((name) => [name, `packages/${name}/src`])),
  ...Object.fromEntries(['gateway', 'worker', 'web', 'standalone'].map((name) => [name, `apps/${name}/src`])),
};

const [, section = ''] = /\n## Where to add what\n(.*?)\n## /s.exec(CONTRIBUTING) ?? [];
const spans = [...section.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);

/** Null for a span that is no path, or stands for several files. */
function pathOf(span: string): string | null {
  if (!/^\w[\w.-]*\//.test(span) || /[\s<…]/.test(span)) return null;
  const [first = '', ...rest] = span.split('/');
  return [SHORT[first] ?? first, ...rest].join('/');
}

const paths = [...new Set(spans.map(pathOf).filter((path) => path !== null))];

test('every file exists', () => {
  expect(paths.length).toBeGreaterThan(60);
  expect(paths.filter((path) => !existsSync(`${TOP}${path}`))).toEqual([]);
});

test('every name is in a file that the section names', () => {
  const names = spans.filter((span) => /^[a-z]+[A-Z]\w+$|^[A-Z]+_[A-Z_]+$|^[A-Z][a-z]+[A-Z]\w+$/.test(span));
  const texts = paths.filter((path) => /\.(tsx?|json)$/.test(path)).map((path) => readFileSync(`${TOP}${path}`, 'utf8'));
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !texts.some((text) => text.includes(name)))).toEqual([]);
});
