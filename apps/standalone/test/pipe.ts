/**
 * For tests: a pipe for the output of a program, whose reader can stop reading or disappear. It is
 * a FIFO, so that tests can fill it.
 */

import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pipe {
  /** The descriptor to give to a program. Call `started` afterwards, which closes it here. */
  readonly writeEnd: number;
  started(): void;
  output(): string;
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** From now on nothing is read, and not one more byte fits in. */
  stall(): void;
  /** Removes the reader. */
  lose(): void;
}

export function openPipe(): Pipe {
  const folder = mkdtempSync(join(tmpdir(), 'qrcast-pipe-'));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const openRead = (): number => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const reader = new Socket({ fd: openRead(), readable: true, writable: false });
  const idle = openRead(); // this reader reads nothing
  const writeEnd = openSync(path, constants.O_WRONLY);
  const filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  rmSync(folder, { recursive: true });

  const looking = new Set<() => void>();
  let output = '';
  reader.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    for (const look of looking) look();
  });
  return {
    writeEnd,
    started: () => closeSync(writeEnd),
    output: () => output,
    until: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = pattern.exec(output);
          if (found === null) return;
          looking.delete(look);
          resolve(found);
        };
        looking.add(look);
        look();
      }),
    stall() {
      reader.destroy(); // a paused stream would still read into its buffer
      for (const bytes of [4_096, 1]) while (hasRoom(filler, bytes));
    },
    lose() {
      reader.destroy();
      for (const fd of [filler, idle]) closeSync(fd);
    },
  };
}

function hasRoom(fd: number, bytes: number): boolean {
  try {
    return writeSync(fd, '\n'.repeat(bytes)) > 0;
  } catch {
    return false; // EAGAIN
  }
}
