/** `pnpm qrcast`: the command line. Its private gateway serves the login page, so that is built first if need be (turbo's cache decides). */

import { spawnSync } from 'node:child_process';

if (process.argv[2] === 'login') {
  // If it cannot be built, the gateway says so, where it is needed.
  spawnSync('turbo', ['run', 'build', '--output-logs=errors-only'], {
    stdio: 'ignore',
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
  });
}
await import('../../apps/standalone/src/cli.ts');
