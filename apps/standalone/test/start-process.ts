/** For tests: `start` as a process of its own, in a folder of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BASE_ENVIRONMENT } from './base-environment.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export interface Started {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly output: () => string;
  /** Resolves once its output fits. */
  readonly until: (fits: (output: string) => boolean) => Promise<void>;
  /** Where it listens. */
  readonly url: string;
  readonly pageUrl: string;
  /** The simulator's control address of the instance. */
  readonly control: string;
  readonly ended: Promise<number | null>;
}

export async function start(env: Record<string, string> = {}, inFolder?: string): Promise<Started> {
  const folder = inFolder ?? (await mkdtemp(join(tmpdir(), 'qrcast-start-')));
  const child = spawn(process.execPath, [MAIN], { cwd: folder, env: { ...BASE_ENVIRONMENT, PORT: '0', ...env } });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (status) => resolve(status)));
  let output = '';
  const up = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('Ctrl-C stops everything')) up.resolve();
    });
  }
  await Promise.race([up.promise, ended.then((status) => Promise.reject(new Error(`start ended with ${status}:\n${output}`)))]);
  const pageUrl = /http:\S+\/connect#\S+/.exec(output)?.[0] ?? '';
  const url = pageUrl.replace(/\/connect#.*/, '');
  const control = /http:\S+\/control\/instances\/\d+/.exec(output)?.[0] ?? '';
  const until = async (fits: (text: string) => boolean): Promise<void> => {
    while (!fits(output)) await once(child.stdout, 'data');
  };
  return { child, folder, output: () => output, until, url, pageUrl, control, ended };
}

export async function stop({ child, folder, ended }: Started): Promise<number | null> {
  child.kill('SIGINT');
  const status = await ended;
  await rm(folder, { recursive: true, force: true });
  return status;
}
