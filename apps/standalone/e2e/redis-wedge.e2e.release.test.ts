/** A worker whose queue gives it no jobs, although it says that it runs. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, expect, inject, it } from 'vitest';
import { type Program, spawnNode } from '../test/role-process.ts';
import { WORKER_MAIN } from '../test/worker-process.ts';

const PRELOAD = import.meta.resolve('@qrcast/runtime/test/wedge-polls');

let worker: Program;
afterEach(async () => {
  if (worker.child.exitCode === null) await worker.stop();
});

function spawnWedged(watch: 'on' | 'off'): Program {
  return spawnNode([`--import=${PRELOAD}`, WORKER_MAIN], {
    WEDGE_WATCH: watch,
    PORT: '0',
    REDIS_URL: inject('redisUrl'),
    QRCAST_NAMESPACE: `test-${randomBytes(4).toString('hex')}`,
    QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    QRCAST_DRAIN_MS: '0',
  });
}

it('replaces its consumer, and then ends for its supervisor with words', async () => {
  worker = spawnWedged('on');
  await worker.until(/"queue":"polls".*replacing it/);
  const [status] = await once(worker.child, 'close');
  expect(status).toBe(1);
  expect(worker.output()).toContain('the queue \\"polls\\" gives this worker no jobs');
});

it('without the watch it stays as it is, and only says that it is not ready (twin)', async () => {
  worker = spawnWedged('off');
  const [, port] = await worker.until(/"port":(\d+).*worker is up/);
  const readyz = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/readyz`)).text();
  await expect.poll(readyz).toMatch(/^not ready: this worker has taken no tick for \d+ s/);
  expect(worker.output()).not.toContain('replacing it');
  expect(worker.child.exitCode).toBeNull();
});
