import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const TOP = fileURLToPath(new URL('../../..', import.meta.url));

it('no file, export or dependency is unused, and knip.jsonc has no unnecessary exception', () => {
  const { status, stdout, stderr } = spawnSync('knip', ['--no-progress'], { cwd: TOP, encoding: 'utf8' });
  expect({ status, output: `${stdout}${stderr}`.trim() }).toEqual({ status: 0, output: '' });
});
