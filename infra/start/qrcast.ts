/**
 * `pnpm qrcast`: the command line. It stands on the built client, and the private gateway of `login` serves the built page; turbo's cache
 * decides what of both has to be built.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const CLIENT = new URL('../../packages/client/dist', import.meta.url);

if (process.argv[2] === 'login' || !existsSync(CLIENT)) {
  // If the page cannot be built, the gateway says so, where it is needed.
  spawnSync('turbo', ['run', 'build', '--output-logs=errors-only'], {
    stdio: 'ignore',
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
  });
}
if (!existsSync(CLIENT)) {
  process.stderr.write('the client library could not be built; `npx -y pnpm@12 build` tells why\n');
  process.exit(1);
}
await import('../../apps/standalone/src/cli.ts');
