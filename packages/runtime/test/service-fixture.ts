/**
 * A service in a process of its own, for service.test.ts. Its argument decides how it starts and
 * stops.
 */

import { createLog } from '../src/log.ts';
import { runService } from '../src/process/service.ts';

const [, , mode] = process.argv;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

await runService({ name: 'fixture', log: createLog('fixture', 'info') }, async (releasers) => {
  const alive = setInterval(() => undefined, 1_000);
  releasers.push('first', () => {
    clearInterval(alive);
    say('released first');
  });
  releasers.push('second', async () => {
    say('releasing second');
    if (mode === 'stuck' || mode === 'late') await new Promise(() => undefined);
    if (mode === 'broken') throw new Error('it would not go');
    say('released second');
  });
  if (mode === 'fails') throw new Error('it would not start');
  say('up');
  if (mode === 'faulty') setImmediate(() => Promise.reject(new Error('nobody caught me')));
  return { stopMs: mode === 'late' ? 50 : 10_000 };
});
