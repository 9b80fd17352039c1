import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { argumentsOf, ROLES } from './roles.ts';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const read = (name: string): string => readFileSync(`${TOP}${name}`, 'utf8');

it.each(['gateway', 'worker'] as const)('the %s runs as OPERATING.md shows it', (role) => {
  const { flags, file } = ROLES[role];
  expect(read('OPERATING.md')).toContain(`exec node_modules/.bin/node ${flags.join(' ')} ${file}`);
});

it('what is no role is a command of the command line, with all its words', () => {
  expect(argumentsOf(['tenants', 'list'], '/top/')).toEqual(['/top/apps/standalone/src/cli.ts', 'tenants', 'list']);
  expect(argumentsOf(['simulator'], '/top/').at(-1)).toBe('/top/packages/simulator/src/main.ts');
  expect(argumentsOf(['toString'], '/top/').at(-1)).toBe('toString');
});

it('the image is built from what it names alone', () => {
  const [first, ...others] = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(first).toBe('*');
  for (const secret of ['**/.env', '**/.npmrc', '**/.git', '**/node_modules']) expect(others).toContain(secret);
});
