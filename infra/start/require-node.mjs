/**
 * Loaded before everything, so plain JavaScript: says what is wrong where Node cannot read our TypeScript. On Linux that is a download that
 * failed, which an install of an optional package passes over.
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
