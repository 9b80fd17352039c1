import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { GATEWAY_FLAGS, WORKER_FLAGS } from './system.ts';

it.each([
  ['gateway', GATEWAY_FLAGS],
  ['worker', WORKER_FLAGS],
])('measures the %s with the flags it is started with', (role, flags) => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  expect(scripts[role]).toBe(['node', ...flags, `apps/${role}/src/main.ts`].join(' '));
});
