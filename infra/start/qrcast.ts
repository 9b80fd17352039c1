/**
 * `pnpm qrcast`: the command line. It needs the built client, and the private gateway of `login`
 * serves the built page. turbo builds what its cache does not have.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const CLIENT = new URL('../../packages/client/dist', import.meta.url);

if (process.argv[2] === 'login' || !existsSync(CLIENT)) {
  // If the page cannot be built, the gateway says so once somebody asks for it.
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
