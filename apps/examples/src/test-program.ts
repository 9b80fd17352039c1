/**
 * For tests: an example as its user runs it, in a process of its own. A test sees what a terminal
 * would show.
 */

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `apps/examples`, with one folder for each example. */
export const EXAMPLES = fileURLToPath(new URL('..', import.meta.url));

export interface Program {
  /** The standard output and error so far, in the order in which they came. */
  output(): string;
  /** Resolves with the output when it contains `text`. Rejects if the program ends first. */
  until(text: string): Promise<string>;
  readonly ended: Promise<number | null>;
  /** Ends it if it still runs. Can be called again. */
  stop(): Promise<void>;
}

/** @param settings environment variables in addition to those that every program needs */
export function startProgram(
  command: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  folder = EXAMPLES,
): Program {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(command, args, { cwd: folder, env: { PATH, HOME, ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const looking = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const look of looking) look();
    });
  }
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  return {
    output: () => output,
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!output.includes(text)) return;
          looking.delete(look);
          resolve(output);
        };
        looking.add(look);
        look();
        const fail = (status: unknown): void => reject(new Error(`${command} ended (${status}) and never said "${text}":\n${output}`));
        ended.then(fail, fail);
      }),
    ended,
    async stop() {
      child.kill();
      await ended;
    },
  };
}

/** Returns null if it is not installed. */
export function pathOf(program: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {
      // not in this folder
    }
  }
  return null;
}
