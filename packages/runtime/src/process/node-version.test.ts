import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { betterNodeThan } from './node-version.ts';

it.each([
  ['20.20.2', '26.12.1'],
  ['22.19.0', '22.23.4'],
  ['22.23.3', '22.23.4'],
  ['22.23.4', null],
  ['22.24.0', null],
  ['23.11.1', '26.12.1'],
  ['24.21.0', '24.22.1'],
  ['24.22.1', null],
  ['25.9.0', '26.12.1'],
  ['26.10.0', '26.12.1'],
  ['26.12.1', null],
  ['26.13.0', null],
  ['27.0.0', null],
])('%s: better %s', (version, better) => {
  expect(betterNodeThan(version)).toBe(better);
});

it('accepts the Node that we install, and the versions that package.json requires', () => {
  const { engines, optionalDependencies } = JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'));
  for (const version of Object.values<string>(optionalDependencies)) expect(betterNodeThan(version)).toBeNull();
  const asked = [...(engines.node as string).matchAll(/\d+\.\d+\.\d+/g)].map(([version]) => version);
  expect(asked).toEqual(['22.23.4', '24.22.1', '26.12.1']);
  for (const version of asked) expect(betterNodeThan(version)).toBeNull();
});
