/**
 * Nothing leaks. Sessions and viewers come and go, connections break, and afterwards a gateway and
 * a worker hold no more than before: no timer, socket or listener, and Redis no key.
 */

import { createReleasers } from '@qrcast/runtime/releasers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runRound } from '../test/coming-and-going.ts';
import { moreThan, readHeld } from '../test/held.ts';
import { grownKeys, isUndue, keysThatStay, mayStay, readSizes } from '../test/kept-keys.ts';
import { expectNothingMore, type LeakStage, openLeakStage, untilTimeHasPassed } from '../test/leak-rounds.ts';

const releasers = createReleasers();
let opened: LeakStage;
beforeAll(async () => {
  opened = await openLeakStage(releasers);
});
afterAll(() => releasers.release());

it.each(['cut', 'blocking'] as const)('a round leaves nothing, and its keys have a time to live or may stay: %s', async (harm) => {
  const { stage } = opened;
  await runRound(stage, { sessions: 3, harm });
  const staying = await keysThatStay(stage.redis.admin);
  expect(staying).toContain('qrcast:tenants');
  expect(staying.filter((key) => !mayStay(key))).toEqual([]);
  await expectNothingMore(opened);
});

it('planted keys are found (twin)', async () => {
  const { stage, sizes } = opened;
  const { admin } = stage.redis;
  await admin.set('qrcast:planted', '1');
  await admin.zadd('qrcast:outbox', Number.MAX_SAFE_INTEGER, 'planted');
  await admin.hset('qrcast:tenants:key-uses', 'planted', '1');
  const staying = (await keysThatStay(admin)).filter((key) => !mayStay(key));
  const now = await readSizes(admin);
  for (const key of ['qrcast:planted', 'qrcast:outbox']) await admin.del(key);
  await admin.hdel('qrcast:tenants:key-uses', 'planted');
  expect(staying).toEqual(['qrcast:planted']);
  expect(Object.keys(now).filter(isUndue).sort()).toEqual(['qrcast:outbox', 'qrcast:planted']);
  expect(grownKeys(sizes, now).sort()).toEqual(['qrcast:outbox 0→1', 'qrcast:planted 0→1', 'qrcast:tenants:key-uses 1→2']);
});

it('a tenant that is deleted leaves its id alone', async () => {
  const { stage, gateway } = opened;
  const authorization = `Bearer ${stage.adminKey}`;
  expect((await fetch(`${gateway.url}/v1/admin/tenants/acme`, { method: 'DELETE', headers: { authorization } })).status).toBe(204);
  const sizes = await untilTimeHasPassed(stage);
  expect(Object.keys(sizes).filter((key) => key.includes('tenant') || key.startsWith('qrcast:key:'))).toEqual(['qrcast:tenants:former']);
});

it('planted timers and listeners are found, and Node warns of too many (twin)', async () => {
  const { gateway, held } = opened;
  for (let n = 0; n < 2; n++) process.kill(gateway.pid() ?? 0, 'SIGWINCH');
  const planted = [
    expect.stringMatching(/^Timeout /),
    expect.stringMatching(/^AbortSignal abort 0→[12]$/),
    expect.stringMatching(/^EventEmitter planted 0→(11|22)$/),
  ];
  await expect.poll(async () => moreThan(held.gateway, await readHeld(gateway))).toEqual(expect.arrayContaining(planted));
  await gateway.untilLine(({ msg, name }) => msg === 'a warning of Node' && name === 'MaxListenersExceededWarning');
});
