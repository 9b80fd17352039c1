/** For tests: a server of the system in the foreground, which ends with this process however that ends. */

import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

const KILL_AFTER_MS = 5_000;

interface Server {
  /** Rejects when it ends. */
  readonly failed: Promise<never>;
  /** What it wrote to its outputs, at most the end of it. */
  output(): string;
  close(): Promise<void>;
}

/**
 * The shell becomes the proxy. Beside it waits a watchdog for a line on descriptor 3, which says that the proxy has ended. The pipe closes
 * without a line when this process was killed, and then the whole group goes, with its folder `$0`. `redis-server.ts` guards its server in the same way.
 */
const GUARDED = '{ read -r _ <&3 || { rm -rf "$0"; kill -KILL -$$; }; } & exec "$@" 3<&-';

/** In a process group of its own: a proxy's worker processes must go with it. */
export function runServer(program: string, args: readonly string[], folder: string, signal: NodeJS.Signals): Server {
  const child = spawn('/bin/sh', ['-c', GUARDED, folder, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
    env: { HOME: folder },
  });
  const watchdog = child.stdio[3] as Socket; // a pipe, as asked for above
  watchdog.on('error', () => undefined); // killed with its group
  let output = '';
  for (const stream of [child.stdout, child.stderr].filter((one) => one !== null)) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4_000);
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve()); // its watchdog still holds the outputs
    child.once('error', () => resolve());
  });
  const failed = ended.then(() => {
    throw new Error(`${program} ended`);
  });
  failed.catch(() => undefined); // who waits for it is told; at the end nobody does
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
