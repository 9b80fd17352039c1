/**
 * For tests: runs a server of the system in the foreground. It ends with this process, however that
 * ends.
 */

import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

const KILL_AFTER_MS = 5_000;

interface Server {
  /** Of the server itself. 0 if it could not be started. */
  readonly pid: number;
  /** Rejects when it ends. */
  readonly failed: Promise<never>;
  /** The end of what it wrote to its outputs. */
  output(): string;
  close(): Promise<void>;
}

/**
 * The shell becomes the server. Beside it, a watchdog waits for a line on descriptor 3, which says
 * that the server has ended. If this process is killed, the pipe closes without a line. Then the
 * watchdog kills the whole group, and removes its folder `$0`. `redis-server.ts` guards its server
 * in the same way.
 */
const GUARDED = '{ read -r _ <&3 || { rm -rf "$0"; kill -KILL -$$; }; } & exec "$@" 3<&-';

/** Runs it in a process group of its own, because its worker processes must end with it. */
export function runServer(program: string, args: readonly string[], folder: string, signal: NodeJS.Signals): Server {
  const child = spawn('/bin/sh', ['-c', GUARDED, folder, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
    env: { HOME: folder },
  });
  const watchdog = child.stdio[3] as Socket; // a pipe, as asked for above
  watchdog.on('error', () => undefined); // it is killed with its group
  let output = '';
  for (const stream of [child.stdout, child.stderr].filter((one) => one !== null)) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4_000);
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve()); // 'close' would wait for the watchdog, which still holds the outputs
    child.once('error', () => resolve());
  });
  const failed = ended.then(() => {
    throw new Error(`${program} ended`);
  });
  failed.catch(() => undefined); // at the end nobody waits for it
  const killGroup = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // ESRCH: all of it has ended
    }
  };
  process.once('exit', killGroup);
  return {
    pid: child.pid ?? 0,
    failed,
    output: () => output,
    async close() {
      child.kill(signal);
      const timer = setTimeout(killGroup, KILL_AFTER_MS);
      await ended;
      clearTimeout(timer);
      killGroup(); // the watchdog, and workers that are left
      watchdog.destroy();
      process.off('exit', killGroup);
    },
  };
}
