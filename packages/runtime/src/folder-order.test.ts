/** Holds the order of this package's folders, which node.ts describes. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('.', import.meta.url));
const ORDER = [
  'node.ts',
  'process',
  'callbacks',
  'connected',
  'sessions',
  'outbox',
  'audit',
  'keyring',
  'tenants',
  'polling',
  'redis',
  'log.ts',
  'log-output.ts',
  'releasers.ts',
];

const folderOf = (file: string): string => relative(SRC, file).split('/')[0] ?? '';
const layerOf = (file: string): number => ORDER.indexOf(folderOf(file));

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => resolve(SRC, name));

/** Relative imports, and Lua scripts that are loaded by path. */
function targetsOf(file: string): string[] {
  const paths = readFileSync(file, 'utf8').matchAll(/^(?!\s*\*).*(?:from |new URL\()'(\.[^']+)'/gm);
  return [...paths].map(([, path = '']) => resolve(dirname(file), path));
}

it('every folder stands in the order', () => {
  expect([...new Set(files.map(folderOf))].toSorted()).toEqual(ORDER.toSorted());
});

it('no file imports from a folder further left', () => {
  const wrong = files.flatMap((file) =>
    targetsOf(file)
      .filter((target) => target.startsWith(SRC) && layerOf(target) < layerOf(file))
      .map((target) => `${relative(SRC, file)} imports ${relative(SRC, target)}`),
  );
  expect(wrong).toEqual([]);
});
