/**
 * Makes a base for the Dockerfile where no registry of images is reached: Debian by debootstrap,
 * with this machine's npm. It stands in for the default of BASE. Nothing of it but the libraries of
 * Debian gets into the image, so this machine's settings of npm may be in it.
 */

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from './run.ts';

const SUITE = 'bookworm';
/** What Node needs besides a minimal Debian. */
const LIBRARIES = 'libatomic1,libstdc++6';
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** The programs that this needs, besides npm. */
export const TOOLS = ['buildah', 'debootstrap', 'setpriv'];

/** @returns the name of the image */
export function makeBaseImage(name = 'localhost/qrcast-base'): string {
  const folder = mkdtempSync(join(tmpdir(), 'qrcast-base-'));
  try {
    const root = join(folder, 'root');
    run('debootstrap', ['--variant=minbase', `--include=${LIBRARIES}`, SUITE, root]);
    addNpm(root);
    const file = join(folder, 'Dockerfile');
    writeFileSync(
      file,
      `FROM scratch\nCOPY . /\nENV NODE_EXTRA_CA_CERTS=${CERTIFICATES} PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n`,
    );
    run('buildah', ['bud', '--isolation', 'chroot', '--network', 'host', '--file', file, '--tag', name, root]);
    return name;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function addNpm(root: string): void {
  const npm = dirname(dirname(realpathSync(run('sh', ['-c', 'command -v npm']).trim())));
  const modules = join(root, 'usr/local/lib/node_modules');
  mkdirSync(modules, { recursive: true });
  cpSync(npm, join(modules, 'npm'), { recursive: true });
  cpSync(process.execPath, join(root, 'usr/local/bin/node'));
  for (const name of ['npm', 'npx']) symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name));
  mkdirSync(dirname(join(root, CERTIFICATES)), { recursive: true });
  if (existsSync(CERTIFICATES)) cpSync(CERTIFICATES, join(root, CERTIFICATES), { dereference: true });
  writeFileSync(join(root, 'root/.npmrc'), ['/etc/npmrc', join(homedir(), '.npmrc')].map(readIfThere).join('\n'));
}

const readIfThere = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
