import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { GATEWAY_FLAGS, WORKER_FLAGS } from './system.ts';

const TOP = new URL('../../../', import.meta.url);
const roles = [
  ['gateway', GATEWAY_FLAGS],
  ['worker', WORKER_FLAGS],
] as const;

it.each(roles)('measures the %s with the flags of its start script', (role, flags) => {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', TOP), 'utf8'));
  expect(scripts[role]).toBe(['node', '--import=./infra/start/require-node.mjs', ...flags, `apps/${role}/src/main.ts`].join(' '));
});

it.each(roles)('measures the %s with the flags that OPERATING.md gives a supervisor, whose Node exists', (role, flags) => {
  const [, node, rest] =
    readFileSync(new URL('OPERATING.md', TOP), 'utf8').match(`exec (\\S+) --disable-sigusr1 (.*apps/${role}/.*)`) ?? [];
  expect(rest).toBe([...flags, `apps/${role}/src/main.ts`].join(' '));
  expect(existsSync(new URL(node ?? '', TOP))).toBe(true);
});
