/** Loaded into a role's process by `--import`: on SIGUSR2 it writes what the process holds after a collection of garbage. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void; // what the flag brings

let asked = 0;
process.on('SIGUSR2', () => {
  asked += 1;
  collect();
  collect();
  const resources = Object.groupBy(process.getActiveResourcesInfo(), (name) => name);
  const counts = Object.fromEntries(Object.entries(resources).map(([name, all = []]) => [name, all.length]));
  process.stderr.write(`fuzz-probe ${asked} ${JSON.stringify({ heapBytes: process.memoryUsage().heapUsed, resources: counts })}\n`);
});
