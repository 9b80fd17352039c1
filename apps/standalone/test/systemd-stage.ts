/** For tests: the files of `infra/systemd`, installed below a folder as README.md there says. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Releasers } from '@qrcast/runtime/releasers';
import { parseUnit, type RunningUnit, startUnit } from './unit-file.ts';

const TREE = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

export interface InstalledUnits {
  /** Stands for `/`. */
  readonly root: string;
  /** The folder of the units, in which `/opt/qrcast` is this tree. */
  readonly units: string;
  /** Sets variables in a file of `/etc/qrcast`. */
  fill(file: string, values: Readonly<Record<string, string>>): Promise<void>;
  /** @param change of the unit's text */
  start(name: string, instance: string, change?: (text: string) => string): Promise<RunningUnit>;
}

export async function installUnits(releasers: Releasers): Promise<InstalledUnits> {
  const root = await mkdtemp(join(tmpdir(), 'qrcast-test-systemd-'));
  releasers.push('installed units', () => rm(root, { recursive: true, force: true }));
  const units = join(root, 'etc/systemd/system');
  await mkdir(units, { recursive: true });
  await promisify(execFile)('sh', ['-ec', installCommands().replaceAll('/etc/', `${root}/etc/`)], { cwd: TREE });
  return {
    root,
    units,
    fill: (file, values) =>
      appendFile(
        join(root, 'etc/qrcast', file),
        Object.entries(values)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      ),
    async start(name, instance, change = (text) => text) {
      const text = change(await readFile(join(units, name), 'utf8'));
      const program = startUnit(parseUnit(text), { instance, root, tree: TREE });
      releasers.push(name, () => void program.child.kill('SIGKILL'));
      return program;
    },
  };
}

function installCommands(): string {
  const page = readFileSync(join(TREE, 'infra/systemd/README.md'), 'utf8');
  const [, block] = /```sh\n( *install -d .*?)```/s.exec(page) ?? [];
  if (block === undefined) throw new Error('infra/systemd/README.md does not say how to install');
  return block.replaceAll(/^ +/gm, '');
}

/** Names as `systemd-analyze` wants them: each template with an instance, and programs that are there. */
export async function instantiate({ units }: InstalledUnits, names: readonly string[]): Promise<string[]> {
  return Promise.all(
    names.map(async (name) => {
      const file = join(units, name.replace('@.', '@3000.'));
      await writeFile(file, (await readFile(join(units, name), 'utf8')).replaceAll('/opt/qrcast', TREE));
      return file;
    }),
  );
}
