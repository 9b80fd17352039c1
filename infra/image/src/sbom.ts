/**
 * The command: writes the list of what is in the image (CycloneDX 1.6), from the lockfile: packages
 * of npm, and Node. The image itself names its few libraries of Debian, where scanners look for
 * them. The argument is the file to write.
 */

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const DEFAULT_FILE = 'qrcast.cdx.json';

/** As the Dockerfile installs it. */
const CONTENTS = ['--prod', '--filter-prod', '@qrcast/standalone...', '--filter', 'qrcast'];

const file = resolve(process.argv[2] ?? DEFAULT_FILE);
const form = ['--sbom-format', 'cyclonedx', '--sbom-spec-version', '1.6', '--sbom-type', 'application', '--lockfile-only', '--out', file];
const { status } = spawnSync('pnpm', ['sbom', ...form, ...CONTENTS], { cwd: TOP, stdio: ['ignore', 'inherit', 'inherit'] });
if (status === 0) process.stdout.write(`${file} was written\n`);
process.exitCode = status ?? 1;
