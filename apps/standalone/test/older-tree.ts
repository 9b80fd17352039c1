/**
 * For tests: qrcast as it was at an earlier commit, in a folder of its own. Its gateways and workers
 * run from their sources, with the dependencies of that commit.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Releasers } from '@qrcast/runtime/releasers';
import { PRESENT_TREE } from './rolling-stage.ts';

const ARCHIVE = 'tree.tar';
/** Of what gateways and workers need, and of the login page, which a gateway does not start without. */
const NEEDED = ['@qrcast/gateway...', '@qrcast/worker...', '@qrcast/web...'].flatMap((packages) => ['--filter', packages]);

/**
 * Takes the tree from this clone, and its dependencies from the store of pnpm, or else from the
 * registry. The folder is pushed to `releasers`.
 * @param commit anything that git takes for one
 * @returns the folder
 * @throws {Error} if the clone does not have the commit, with what to do
 */
export async function openOlderTree(commit: string, releasers: Releasers): Promise<string> {
  await requireCommit(commit);
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-older-'));
  releasers.push('older tree', () => rm(folder, { recursive: true, force: true }));
  await run('git', ['archive', '--output', join(folder, ARCHIVE), commit], PRESENT_TREE);
  await run('tar', ['-xf', ARCHIVE], folder);
  await run('pnpm', ['install', '--frozen-lockfile', '--prefer-offline', ...NEEDED], folder);
  await run('pnpm', ['--filter', '@qrcast/web...', 'run', 'build'], folder);
  return folder;
}

async function requireCommit(commit: string): Promise<void> {
  await run('git', ['cat-file', '-e', `${commit}^{commit}`], PRESENT_TREE).catch((cause: unknown) => {
    throw new Error(
      `expected commit ${commit}, the older version of this test, but git does not find it here. A shallow clone lacks it: ` +
        'run `git fetch --unshallow`. Or name another commit with QRCAST_ROLL_FROM.',
      { cause },
    );
  });
}

/** @throws {Error} with what it wrote, if it fails */
async function run(program: string, args: readonly string[], folder: string): Promise<void> {
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const [written, [status]] = await Promise.all([Promise.all([text(child.stdout), text(child.stderr)]), once(child, 'close')]);
  if (status !== 0) throw new Error(`${program} ${args[0]} ended with status ${status}:\n${written.join('')}`);
}
