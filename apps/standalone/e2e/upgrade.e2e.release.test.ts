/**
 * An upgrade from the last release, in both orders, and the way back, as OPERATING.md describes it.
 * Whatever pair of releases runs, people log in from wherever they stood, and each release reads what
 * the other one has written.
 */

import { createReleasers } from '@qrcast/runtime/releasers';
import { openTestReceiver, type TestReceiver } from '@qrcast/runtime/test/receiver';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { check } from '../chaos/checker.ts';
import { unexpectedLines, wrongEnds } from '../test/deploy-checks.ts';
import { type Fleet, openFleet, type Role } from '../test/fleet.ts';
import { keysThatStay, mayStay } from '../test/kept-keys.ts';
import { LAST_RELEASE } from '../test/last-release.ts';
import { logOf } from '../test/offered-login.ts';
import { openOlderTree } from '../test/older-tree.ts';
import { openRollingStage, PRESENT_TREE, type RollingStage } from '../test/rolling-stage.ts';
import {
  countedSteps,
  finishLogin,
  type History,
  historyOf,
  idOf,
  openLogin,
  STANDING,
  type StandingLogin,
  strangeStates,
} from '../test/upgrade-logins.ts';

const ofFile = createReleasers();
let older: string;
beforeAll(async () => {
  older = await openOlderTree(process.env['QRCAST_ROLL_FROM'] ?? LAST_RELEASE.commit, ofFile);
});
afterAll(() => ofFile.release());

let releasers = createReleasers();
let receiver: TestReceiver;
let stage: RollingStage;
let logins: StandingLogin[];
let histories: Map<StandingLogin, History>;
beforeEach(async () => {
  releasers = createReleasers();
  receiver = await openTestReceiver();
  releasers.push('receiver', () => receiver.close());
  const env = { QRCAST_POLL_INTERVAL_MS: '1500', QRCAST_DRAIN_MS: '2000', QRCAST_CALLBACK_HOSTS: receiver.url };
  stage = await openRollingStage(inject('redisUrl'), env, releasers);
  logins = [];
  histories = new Map();
});
afterEach(() => releasers.release());

it('loses nothing if workers are upgraded first, and gateways go back first', () => upgrade(['worker', 'gateway']));

it('loses nothing if gateways are upgraded first, and workers go back first', () => upgrade(['gateway', 'worker']));

async function upgrade(order: readonly Role[]): Promise<void> {
  const fleet = await openFleet(stage, stage.starterIn(older), 1);
  await stage.sendCallbacksTo(`${receiver.url}/callback`, `${receiver.url}/relay`);
  const lasting = await openAll();
  for (const role of order) await replace(fleet, role, PRESENT_TREE);
  for (const role of order.toReversed()) await replace(fleet, role, older);
  await finish(lasting);
  for (const login of logins) await expectWell(login);
  const called = receiver.received.flatMap(({ id, body }) => (body.includes('"session.connected"') ? [id] : []));
  expect(new Set(called).size).toBe(logins.length);
  expect(await fleet.stop()).toEqual([0, 0]);
  const outputs = [PRESENT_TREE, older].flatMap((tree) => fleet.outputsOf(tree));
  expect(outputs.flatMap((output) => unexpectedLines(output, []))).toEqual([]);
  expect((await keysThatStay(stage.redis, stage.namespace)).filter((key) => !mayStay(key))).toEqual([]);
}

/** People log in before it, in the middle of it and after it, and their callbacks wait for the new process. */
async function replace(fleet: Fleet, role: Role, tree: string): Promise<void> {
  const [across, [parked]] = [await openAll(), await openAll(['showing'])];
  const reopen = await parkCallbacks(parked ?? expect.unreachable('one was opened'), fleet);
  expect(await fleet.replace(role, stage.starterIn(tree), async () => undefined)).toBe(0);
  await reopen();
  await finish([...across, ...(await openAll())]);
  for (const [login, history] of histories) expect(await historyOf(stage, idOf(login))).toEqual(history);
  await expect
    .poll(() => countedSteps(stage))
    .toEqual({ attempts: logins.length, password: opened('password'), connected: histories.size });
}

const opened = (wanted: StandingLogin['standing']): number => logins.filter(({ standing }) => standing === wanted).length;

async function openAll(standings: readonly StandingLogin['standing'][] = STANDING): Promise<StandingLogin[]> {
  const made = await Promise.all(standings.map((standing) => openLogin(stage, standing, releasers)));
  logins.push(...made);
  return made;
}

async function finish(standing: readonly StandingLogin[]): Promise<void> {
  await Promise.all(standing.map((login) => finishLogin(stage, login)));
  for (const login of standing) await noteHistory(login);
}

/** The tenant must read for ever what it reads now about a login that is over. */
async function noteHistory(login: StandingLogin): Promise<void> {
  await expect.poll(async () => (await historyOf(stage, idOf(login))).isWhole).toBe(true);
  histories.set(login, await historyOf(stage, idOf(login)));
}

/**
 * A gateway is notified of a login while the tenant's server is down, so that a callback and a
 * notification wait in Redis. Returns what brings the server back, and resolves when it has both.
 */
async function parkCallbacks(login: StandingLogin, { gateways }: Fleet): Promise<() => Promise<void>> {
  const sessionId = idOf(login);
  const { idInstance } = login.instance;
  const isCallback = ({ path, body }: { path: string; body: string }): boolean => path === '/callback' && body.includes(sessionId);
  const isRelay = ({ path, body }: { path: string; body: string }): boolean => path === '/relay' && body.includes(idInstance);
  receiver.answer((received) => (isCallback(received) || isRelay(received) ? 503 : 204));
  await stage.notify(login.instance, gateways[0] ?? expect.unreachable('one runs'));
  await finishLogin(stage, login);
  await Promise.all([receiver.until(1, isCallback), receiver.until(1, isRelay)]);
  return async () => {
    const [callbacks, relays] = [isCallback, isRelay].map((fits) => receiver.received.filter(fits).length) as [number, number];
    receiver.answer(() => 204);
    await Promise.all([receiver.until(callbacks + 1, isCallback), receiver.until(relays + 1, isRelay)]);
    await noteHistory(login);
  };
}

async function expectWell(login: StandingLogin): Promise<void> {
  const log = await logOf(stage, login);
  // A gateway sends a password at once, whenever the next poll is due. The rule of the spacing is about polls.
  const requests = log.requests.filter(({ method }) => method !== 'sendAuthorizationPassword');
  expect(check({ ...log, requests }, { stopped: [], stalls: [], losses: [] })).toEqual([]);
  for (const { transport, heard, sessions } of login.viewers) {
    expect(wrongEnds(heard), transport).toEqual([]);
    expect(strangeStates(login.standing, sessions()), transport).toEqual([]);
  }
}
