/**
 * What this release does with records of a later one, as the table of OPERATING.md ("Upgrade") says:
 * while both run, and after the way back. The later one is not there yet, so the test writes for it.
 */

import { createReleasers } from '@qrcast/runtime/releasers';
import { openTestReceiver, type TestReceiver } from '@qrcast/runtime/test/receiver';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { unexpectedLines } from '../test/deploy-checks.ts';
import { type Fleet, openFleet } from '../test/fleet.ts';
import {
  addEntries,
  addNotification,
  addTenantSetting,
  changeSession,
  goOnWithSession,
  NEWER_MARK,
  NEWER_WORD,
  readKept,
  sessionText,
  tenantText,
} from '../test/newer-records.ts';
import { openRollingStage, PRESENT_TREE, type RollingStage } from '../test/rolling-stage.ts';
import { finishLogin, historyOf, idOf, openLogin, type StandingLogin } from '../test/upgrade-logins.ts';

/** Each says what was left, or dropped. */
const EXPECTED = [
  'an entry of Redis cannot be read and counts as none; another version may have written it',
  'a published change could not be read; its record is read instead',
  'marks in the outbox have an unknown kind and are left to another version',
  'callbacks that cannot be read are skipped; another version may have written them',
  'a notification that cannot be read is dropped; another version may have written it',
];

let releasers = createReleasers();
let receiver: TestReceiver;
let stage: RollingStage;
let fleet: Fleet;
beforeEach(async () => {
  releasers = createReleasers();
  receiver = await openTestReceiver();
  releasers.push('receiver', () => receiver.close());
  const env = { QRCAST_POLL_INTERVAL_MS: '1500', QRCAST_DRAIN_MS: '2000', QRCAST_CALLBACK_HOSTS: receiver.url };
  stage = await openRollingStage(inject('redisUrl'), env, releasers);
  fleet = await openFleet(stage, stage, 1);
  await stage.sendCallbacksTo(`${receiver.url}/callback`, `${receiver.url}/relay`);
});
afterEach(async () => {
  expect(await fleet.stop()).toEqual([0, 0]);
  expect(fleet.outputsOf(PRESENT_TREE).flatMap((output) => unexpectedLines(output, EXPECTED))).toEqual([]);
  await releasers.release();
});

const open = (): Promise<StandingLogin> => openLogin(stage, 'showing', releasers);
const answered = async ({ ticket }: StandingLogin): Promise<number> =>
  (await fetch(`${stage.url}/v1/sessions/self`, { headers: { authorization: `Bearer ${ticket}` } })).status;

it('takes a session in an unknown state for none, keeps it, and finds the login once it can read it again', async () => {
  const [beside, changed] = await Promise.all([open(), open()]);
  const text = await changeSession(stage, idOf(changed));
  for (const { heard } of changed.viewers) {
    await expect
      .poll(() => heard.filter((one) => /not_found|404/.test('code' in one ? one.code : 'why' in one ? one.why : '')))
      .not.toEqual([]);
  }
  expect(await answered(changed)).toBe(404);
  await finishLogin(stage, beside);
  expect(await sessionText(stage, idOf(changed))).toBe(text);
  await goOnWithSession(stage, idOf(changed));
  changed.instance.scan();
  await Promise.all(changed.viewers.map(({ until }) => until(({ state }) => state === 'connected')));
  expect(await sessionText(stage, idOf(changed))).toContain(NEWER_WORD); // the field that it does not know
});

it('leaves entries of unknown kinds alone, and out of what it tells', async () => {
  const login = await open();
  await addEntries(stage, idOf(login));
  await finishLogin(stage, login);
  await expect.poll(async () => (await historyOf(stage, idOf(login))).isWhole).toBe(true);
  expect(JSON.stringify([await historyOf(stage, idOf(login)), await stage.read('/v1/statistics')])).not.toContain(NEWER_WORD);
  const kept = await readKept(stage, idOf(login));
  expect(kept.marks).toContain(NEWER_MARK);
  for (const entries of [kept.audit, kept.callbacks, kept.statistics, kept.timeline, kept.connected]) expect(entries).toContain(NEWER_WORD);
});

it('drops a notification of an unknown form, because others wait behind it', async () => {
  const login = await open();
  await addNotification(stage, login.instance.idInstance);
  await stage.notify(login.instance, fleet.gateways[0] ?? expect.unreachable('one runs'));
  await finishLogin(stage, login);
  const [relayed] = await receiver.until(1, ({ path }) => path === '/relay');
  expect(relayed?.body).toContain('stateInstanceChanged');
  expect(receiver.received.filter(({ body }) => body.includes(NEWER_WORD))).toEqual([]);
});

it("ignores a tenant's unknown setting, and loses it when the tenant is changed", async () => {
  await addTenantSetting(stage);
  await finishLogin(stage, await open());
  expect(await tenantText(stage)).toContain(NEWER_WORD);
  await stage.sendCallbacksTo(`${receiver.url}/elsewhere`);
  expect(await tenantText(stage)).not.toContain(NEWER_WORD);
});
