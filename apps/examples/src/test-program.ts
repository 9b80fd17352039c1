/** An example as its user runs it: a process of its own, of which a test sees what a terminal would show. */

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `apps/examples`; the examples stand in folders below it. */
export const EXAMPLES = fileURLToPath(new URL('..', import.meta.url));

export interface Program {
  /** Standard output and error so far, as they came. */
  output(): string;
  /** Resolves with the output once it holds `text`; rejects if the program ends before. */
  until(text: string): Promise<string>;
  readonly ended: Promise<number | null>;
  /** Ends it if it still runs. Idempotent. */
  stop(): Promise<void>;
}

/** @param settings environment variables besides those that every program needs */
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

/** Null if it is not on this machine. */
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
