/**
 * The command: builds the image with buildah, as root and without a daemon. `--stand-in` makes the
 * base by debootstrap, for a machine that reaches no registry of images.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeBaseImage } from './base-image.ts';
import { run } from './run.ts';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const { version } = JSON.parse(readFileSync(`${TOP}package.json`, 'utf8')) as { version: string };
const tag = `localhost/qrcast:${version}`;

const base = process.argv.includes('--stand-in') ? ['--pull-never', '--build-arg', `BASE=${makeBaseImage()}`] : [];
const facts = { VERSION: version, REVISION: revision(), CREATED: new Date().toISOString() };
run('buildah', [
  'bud',
  ...['--isolation', 'chroot', '--network', 'host'],
  ...['--format', 'docker'], // the other format has no health check
  ...base,
  ...Object.entries(facts).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
  ...['--file', `${TOP}infra/image/Dockerfile`, '--tag', tag, TOP],
]);
process.stdout.write(`${tag} was built\n`);

function revision(): string {
  try {
    return run('git', ['-C', TOP, 'rev-parse', 'HEAD']).trim();
  } catch {
    return 'unknown'; // not a clone
  }
}
