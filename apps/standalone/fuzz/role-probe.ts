/**
 * `--import` loads it into a role's process. On SIGUSR2 it collects garbage, and writes what the
 * process holds.
 */

import { readdirSync, readlinkSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Held } from './held.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void; // the flag --expose-gc defines it

function held(): Held {
  const kinds = Object.groupBy(process.getActiveResourcesInfo(), (name) => name);
  const resources = Object.fromEntries(Object.entries(kinds).map(([name, all = []]) => [name, all.length]));
  return { heapBytes: process.memoryUsage().heapUsed, resources, sockets: countSockets() };
}

function countSockets(): number {
  if (process.platform !== 'linux') return 0;
  return readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith('socket:')).length;
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // closed since the list was made, as is the descriptor that listed them
  }
}

let asked = 0;
process.on('SIGUSR2', () => {
  asked += 1;
  collect();
  collect();
  process.stderr.write(`fuzz-probe ${asked} ${JSON.stringify(held())}\n`);
});
