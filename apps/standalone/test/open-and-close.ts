/**
 * For leak tests: a program that opens a gateway and a worker, and closes both on SIGINT. It then
 * ends by itself, because nothing of theirs is left to run, and says what it holds more than
 * before. Its last argument names what it leaks: `timer`, `listener` or `nothing`.
 *
 * count-held.ts is its preload.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { PAGE_FOLDER } from '@qrcast/gateway/api/page-folder';
import { startGateway } from '@qrcast/gateway/gateway';
import { createLog } from '@qrcast/runtime/log';
import { startWorker } from '@qrcast/worker/worker';
import { TEST_POLICY } from './cluster.ts';
import { countHeld } from './count-held.ts';
import { moreThan } from './held.ts';

const [, , redisUrl = '', namespace = '', upstream = '', leak = ''] = process.argv;

/** Nothing outside refers to what it opens, so all of that is garbage when it has ended. */
async function openAndClose(): Promise<void> {
  const adminKey = randomBytes(24).toString('hex');
  const both = {
    redisUrl,
    namespace,
    secretKeys: [{ id: 'k1', key: randomBytes(32) }],
    policy: TEST_POLICY,
    upstreamHosts: [upstream],
    log: createLog('test', 'silent'),
  };
  const worker = await startWorker({ ...both, concurrency: 10, hostConcurrency: 10 });
  const gateway = await startGateway({
    ...both,
    adminKey,
    unwatchedGraceMs: 15_000,
    maxConnections: 100,
    port: 0,
    host: '127.0.0.1',
    publicUrl: undefined,
    pageFolder: PAGE_FOLDER,
  });
  process.stdout.write(`up: ${JSON.stringify({ url: gateway.publicUrl, adminKey })}\n`);
  await once(process, 'SIGINT');
  await Promise.all([gateway.close(0), worker.close(0)]);
  process.stdout.write('closed\n');
}

/** A socket that closed in the last turn of the event loop may be garbage only some turns later. */
const TURNS = 10;

let turns = 0;
process.on('beforeExit', () => {
  turns += 1;
  if (turns > TURNS) return;
  const more = moreThan(before, countHeld());
  if (more.length > 0 && turns < TURNS) return void setImmediate(() => undefined); // this event comes once more
  turns = TURNS;
  process.stdout.write(`more: ${JSON.stringify(more)}\n`);
});
const before = countHeld();
if (leak === 'timer') setInterval(() => undefined, 3_600_000);
if (leak === 'listener') process.on('SIGWINCH', () => undefined);
await openAndClose();
