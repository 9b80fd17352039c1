/**
 * A service in a process of its own, for service.test.ts. Its argument decides how it starts and
 * stops.
 */

import { createLog } from '../src/log.ts';
import { runService } from '../src/process/service.ts';

const [, , mode] = process.argv;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const log = createLog('fixture', 'info');
const part = log.child({ role: 'part' });

await runService({ name: 'fixture', log }, async (releasers) => {
  const alive = setInterval(() => mode === 'talkative' && part.debug('a detail of a part'), mode === 'talkative' ? 10 : 1_000);
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
