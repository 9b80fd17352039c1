/**
 * Is loaded before everything else, and reports a Node that cannot run our TypeScript. So it is
 * plain JavaScript. On Linux the cause is a failed download: an install ignores it for an optional
 * package.
 */

import { readFileSync } from 'node:fs';

if (!process.features.typescript) {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  process.stderr.write(
    `qrcast: expected Node ${engines.node}, but this is ${process.versions.node}. On Linux with glibc (x64, arm64) it comes with ` +
      'npx -y pnpm@12 install: run that again. Elsewhere, install such a Node.\n',
  );
  process.exit(1);
}
