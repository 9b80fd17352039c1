/**
 * A rolling deploy of this version over an older one while people log in, and the way back. In between,
 * processes of both versions share one Redis.
 */

import { createReleasers } from '@qrcast/runtime/releasers';
import { openTestReceiver, type TestReceiver } from '@qrcast/runtime/test/receiver';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { check } from '../chaos/checker.ts';
import {
  gapsBetween,
  isFoundByPoll,
  loginSpread,
  mostMissedCodes,
  unexpectedLines,
  wrongEnds,
  wrongStates,
} from '../test/deploy-checks.ts';
import { type Fleet, openFleet, type Role } from '../test/fleet.ts';
import { keysThatStay, mayStay } from '../test/kept-keys.ts';
import { logOf, type OfferedLogin, offerLogin, untilEach, untilNewCode } from '../test/offered-login.ts';
import { openOlderTree } from '../test/older-tree.ts';
import {
  openRollingStage,
  PRESENT_TREE,
  type RollingStage,
  WATCH_TRANSPORTS,
  type Watched,
  type WatchTransport,
} from '../test/rolling-stage.ts';

/**
 * The older version: the last commit before the published form of a state changed, and before a gateway
 * stored its number of viewers only when it changes. So each of both versions reads what the other one
 * has written. It has to move on when a later version wants all processes stopped before an update.
 */
const ROLL_FROM = process.env['QRCAST_ROLL_FROM'] ?? '6a621fb7278d574c029a8a993126e8d12490c7e2';

/** As CHANGELOG.md wants it. */
const FORWARD: readonly Role[] = ['gateway', 'gateway', 'worker', 'worker'];
const BACK = FORWARD.toReversed();

/** What processes of the older version may log, with the reason. */
const EXPECTED_OF_OLDER = [
  // A gateway of the new version has written it. CHANGELOG.md announces the line.
  'a published change could not be read; its record is read instead',
  // Until it has read that record, a viewer may come who was told the change by another gateway.
  'viewers name versions above those in Redis: it has lost data, or they are wrong; the sessions go on above them',
];

const INTERVAL_MS = 4_000;
/** A viewer whose gateway drains is back within seconds. A gateway that missed a change reads it after 20 s or more. */
const MISSED_CODES = 3;
const LOGIN_SPREAD_MS = 5_000;

const TRANSPORTS = Object.keys(WATCH_TRANSPORTS) as WatchTransport[];
const isConnected = ({ state }: { readonly state: string }): boolean => state === 'connected';

const ofFile = createReleasers();
let older: string;
beforeAll(async () => {
  older = await openOlderTree(ROLL_FROM, ofFile);
});
afterAll(() => ofFile.release());

let releasers = createReleasers();
let receiver: TestReceiver;
let stage: RollingStage;
beforeEach(async () => {
  releasers = createReleasers();
  receiver = await openTestReceiver();
  releasers.push('receiver', () => receiver.close());
  const env = { QRCAST_POLL_INTERVAL_MS: String(INTERVAL_MS), QRCAST_DRAIN_MS: '2000', QRCAST_CALLBACK_HOSTS: receiver.url };
  stage = await openRollingStage(inject('redisUrl'), env, releasers);
});
afterEach(() => releasers.release());

it('loses nothing on the way to this version', () => roll(older, PRESENT_TREE, FORWARD));

it('loses nothing on the way back', () => roll(PRESENT_TREE, older, BACK));

/** People log in while each process is replaced and after it, each in a session that began before. */
async function roll(from: string, to: string, order: readonly Role[]): Promise<void> {
  const fleet = await openFleet(stage, stage.starterIn(from));
  await stage.sendCallbacksTo(receiver.url);
  const lasting = await offer(2);
  const audience = lasting.flatMap(({ ticket }) => TRANSPORTS.map((transport) => stage.watch(ticket, transport)));
  const logins = [...lasting];
  for (const role of order) {
    const [whileStopping, after] = [await offer(2), await offer(3)];
    logins.push(...whileStopping, ...after);
    expect(await fleet.replace(role, stage.starterIn(to), () => logIn(whileStopping, fleet))).toBe(0);
    await untilNewCode([...lasting, ...after]);
    await logIn(after, fleet);
    await untilEach([...whileStopping, ...after], isConnected);
  }
  await untilCounted(lasting, audience);
  await logIn(lasting, fleet);
  await untilEach(lasting, isConnected);
  await Promise.all(audience.map(({ until }) => until(isConnected)));
  for (const login of logins) await expectWell(login);
  audience.forEach(expectWellTold);
  expectOnTime(logins);
  expectBothWays(logins);
  await expectCallbacks(logins);
  expect(await fleet.stop()).toEqual([0, 0, 0, 0]);
  expect(fleet.outputsOf(PRESENT_TREE).flatMap((output) => unexpectedLines(output, []))).toEqual([]);
  expect(fleet.outputsOf(older).flatMap((output) => unexpectedLines(output, EXPECTED_OF_OLDER))).toEqual([]);
  expect((await keysThatStay(stage.redis, stage.namespace)).filter((key) => !mayStay(key))).toEqual([]);
}

const offer = (count: number): Promise<OfferedLogin[]> => Promise.all(Array.from({ length: count }, () => offerLogin(stage, releasers)));

/** A poll finds the first login. Of each other one, another gateway is notified. */
async function logIn(logins: readonly OfferedLogin[], { gateways }: Fleet): Promise<void> {
  for (const [i, { instance }] of logins.entries()) {
    const gateway = i === 0 ? undefined : gateways.at(-i);
    if (gateway !== undefined) await stage.notify(instance, gateway);
    instance.scan();
  }
}

/** Waits for new codes that tell the right number of viewers. A long-poll is not counted between two requests. */
async function untilCounted(logins: readonly OfferedLogin[], audience: readonly Watched[]): Promise<void> {
  const count = TRANSPORTS.length + audience.length / logins.length;
  const streams = logins.map(({ viewers }) => ({ viewers: viewers.filter(({ transport }) => transport !== 'long-poll') }));
  await untilNewCode(logins);
  await untilNewCode(streams, ({ viewers }) => viewers === count);
}

async function expectWell(login: OfferedLogin): Promise<void> {
  expect(check(await logOf(stage, login), { stopped: [], stalls: [], losses: [] })).toEqual([]);
  for (const { transport, heard, sessions } of login.viewers) {
    expect(wrongEnds(heard), transport).toEqual([]);
    expect(wrongStates(sessions()), transport).toEqual([]);
  }
  const { deliveries } = login.instance;
  expect(deliveries.map(({ status }) => status)).toEqual(deliveries.map(() => 200));
}

/** What `@qrcast/client` made of it. */
function expectWellTold({ sessions, connections }: Watched): void {
  const versions = sessions.map(({ version }) => version);
  expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
  expect(sessions.findIndex(isConnected)).toBe(sessions.length - 1);
  expect(wrongStates(sessions)).toEqual([]);
  const reasons = connections.flatMap((one) => ('code' in one ? [one.code] : []));
  // `unavailable`: `fetch` had kept a connection to a gateway that drains, and was answered 503.
  expect(reasons.filter((reason) => reason !== 'draining' && reason !== 'unavailable')).toEqual([]);
}

function expectOnTime(logins: readonly OfferedLogin[]): void {
  const gaps = logins.flatMap(({ instance }) => gapsBetween(instance.requests));
  const missed = Math.max(...logins.map(({ viewers }) => mostMissedCodes(viewers)));
  const spread = Math.max(...logins.map(({ viewers }) => loginSpread(viewers)));
  const [least, most] = [Math.min(...gaps), Math.max(...gaps)];
  process.stdout.write(
    `polls came ${least.toFixed()} to ${most.toFixed()} ms apart, a viewer missed ${missed} codes at most, ` +
      `and learned of a login ${spread.toFixed()} ms after the first one at most\n`,
  );
  expect(least).toBeGreaterThan(0.75 * INTERVAL_MS); // a request may be on its way for longer than the next one
  expect(most).toBeLessThan(2 * INTERVAL_MS);
  expect(missed).toBeLessThanOrEqual(MISSED_CODES);
  expect(spread).toBeLessThan(LOGIN_SPREAD_MS);
}

/** A poll may come before a notification, but seldom does. */
function expectBothWays(logins: readonly OfferedLogin[]): void {
  const isPolled = ({ instance: { requests }, viewers }: OfferedLogin): boolean => isFoundByPoll(requests, viewers);
  const notified = logins.filter(({ instance }) => instance.deliveries.length > 0);
  expect(notified.filter(isPolled).length).toBeLessThan(notified.length / 2);
  expect(logins.filter((login) => !notified.includes(login)).map(isPolled)).not.toContain(false);
}

/** Each login is called back, under one id. */
async function expectCallbacks(logins: readonly OfferedLogin[]): Promise<void> {
  const callbacks = await receiver.until(logins.length, ({ body }) => body.includes('"session.connected"'));
  expect(new Set(callbacks.map(({ id }) => id)).size).toBe(logins.length);
}
