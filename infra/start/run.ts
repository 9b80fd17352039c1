/**
 * `pnpm start`: lets turbo build what its cache does not have, then starts everything in this
 * process.
 */

import { spawnSync } from 'node:child_process';

const { status } = spawnSync('turbo', ['run', 'build', '--output-logs=errors-only'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
});
if (status !== 0) {
  process.stderr.write('the login page could not be built; `npx -y pnpm@12 build` tells why\n');
  process.exit(1);
}
await import('../../apps/standalone/src/main.ts');
