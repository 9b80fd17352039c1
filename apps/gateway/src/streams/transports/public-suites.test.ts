/** Our list of the public suites names tests that exist, and PROTOCOL lists what differs. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DIFFERENCES, PUBLIC_SUITES } from '../../../test/public-suites.ts';

const PROTOCOL = readFileSync(new URL('../../../../../packages/core/PROTOCOL.md', import.meta.url), 'utf8');
const HEAD = /\n\| the suites expect +\| here +\|\n\|[-| ]+\|\n(.*?)\n\n/s;

const behaviours = Object.entries(PUBLIC_SUITES).flatMap(([file, rows]) => rows.map((one) => [file, one] as const));

describe('the public suites', () => {
  it.each(Object.keys(PUBLIC_SUITES))('name tests that %s has', (file) => {
    const source = readFileSync(new URL(file, import.meta.url), 'utf8');
    const titles = PUBLIC_SUITES[file]?.flatMap(({ shownBy }) => shownBy) ?? [];
    expect(titles.filter((title) => !source.includes(`'${title}'`))).toEqual([]);
  });

  it('are shown by a test, or not at all because of a difference', () => {
    expect(behaviours).toHaveLength(41);
    expect(behaviours.filter(([, { shownBy, differsIn }]) => shownBy.length === 0 && differsIn.length === 0)).toEqual([]);
  });

  it('differ here as PROTOCOL says, and in nothing else', () => {
    const [, rows = ''] = HEAD.exec(PROTOCOL) ?? [];
    const cells = rows.split('\n').map((line) => line.split('|')[1]?.trim());
    expect(cells).toEqual(Object.values(DIFFERENCES));
    expect(new Set(behaviours.flatMap(([, { differsIn }]) => differsIn))).toEqual(new Set(Object.keys(DIFFERENCES)));
  });
});
