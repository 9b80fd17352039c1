/**
 * A day on one machine: two gateways, two workers, Redis, and a Prometheus that scrapes them. 500
 * people log in over every transport, while all processes are replaced, the provider fails,
 * notifications are lost and Redis is full. In the end no login is lost, the board tells what the
 * provider, the viewers and the tenants' server saw, and those alerts have fired that had to.
 *
 * The board cannot know what a process counted between its last scrape and its end. `unscraped` has
 * these times, and what happened in them may be missing; everything else is compared exactly
 * (day-truth.ts). Durations of the alerts are divided, so that the day takes minutes.
 */

import { createReleasers } from '@qrcast/runtime/releasers';
import { openTestReceiver } from '@qrcast/runtime/test/receiver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Circumstances, Span } from '../chaos/checker.ts';
import { firstQueryOf, growthIn } from '../test/board-queries.ts';
import {
  type DayScene,
  evening,
  FULL_ALERTS,
  fullRedis,
  lostNotifications,
  morning,
  OUTAGE_ALERTS,
  outage,
  rollingRestart,
  wrongCalls,
} from '../test/day-acts.ts';
import { createCalls } from '../test/day-calls.ts';
import { type Counts, checkAlerts, checkBoard, checkLogins, countUncertain, type Shown } from '../test/day-checker.ts';
import type { DayLog } from '../test/day-log.ts';
import { type DayServer, loginLogOf, watchServer } from '../test/day-logs.ts';
import { createPeople } from '../test/day-people.ts';
import { type DayStage, openDayStage } from '../test/day-stage.ts';
import { classOfOutcome } from '../test/day-truth.ts';
import { isMissing } from '../test/find-program.ts';
import { haveFired, namesFiring } from '../test/monitored-stage.ts';
import type { Labels } from '../test/prometheus.ts';
import { type Stall, watchStalls } from '../test/watch-stalls.ts';

const LOGINS = 500;
const CODE_TTL_MS = 20_000;
const ENV = {
  QRCAST_CODE_TTL_MS: String(CODE_TTL_MS),
  /** Longer than an act takes on a slow machine, and short enough to end within the day. */
  QRCAST_ATTEMPT_MS: '240000',
  /** A viewer whose gateway is replaced is back by then. */
  QRCAST_UNWATCHED_GRACE_MS: '30000',
  QRCAST_DRAIN_MS: '3000',
};
/** Scrapes of 3 s: a slow machine needs one now and then. Windows of 5 minutes have six. */
const PACE = { scrapeEverySeconds: 3, divisor: 15 } as const;
/**
 * A full Redis stops ticks and makes polls late, for how long depends on the machine. A slow machine
 * is late with deliveries, too.
 */
const MAY_FIRE = ['QrcastTicksStuck', 'QrcastPollsLate', 'QrcastDeliveriesLate'];
const CALLBACK_REFUSED_EVERY = 25;

const releasers = createReleasers();
let scene: DayScene;
let stage: DayStage;
let server: DayServer;
const stalls: Span[] = [];

const spanOf = ({ endedAt, lateMs }: Stall): Span => ({ from: endedAt - lateMs, to: endedAt });

/** The sum of a query's samples by a name that is made of their labels. Without zeros. */
async function counts(query: string, nameOf: (labels: Labels) => string): Promise<Counts> {
  const counted: Record<string, number> = {};
  for (const { labels, value } of await stage.prometheus.ask(query)) {
    if (value !== 0) counted[nameOf(labels)] = (counted[nameOf(labels)] ?? 0) + value;
  }
  return counted;
}

const by =
  (...names: readonly string[]) =>
  (labels: Labels): string =>
    names.map((name) => labels[name]).join(' ');

async function readBoard(): Promise<Shown> {
  return {
    attempts: await counts(growthIn('Attempts and logins'), () => 'watched'),
    steps: await counts(growthIn('How far attempts come'), by('step')),
    ends: await counts(growthIn('Why attempts end'), by('reason')),
    answers: await counts(growthIn('Answers of the provider'), ({ outcome = '' }) => classOfOutcome(outcome)),
    tries: await counts(growthIn('Tries'), by('type', 'outcome')),
    refusals: await counts(growthIn('Refusals'), by('code')),
  };
}

/** What the first query of a panel shows now. */
const valuesOf = async (panel: string): Promise<readonly number[]> =>
  (await stage.prometheus.ask(firstQueryOf(panel).query)).map(({ value }) => value);

async function untilCalledBack(): Promise<void> {
  const missing = (): readonly string[] => {
    const loggedIn = scene.people.logins.filter(({ instance }) => instance.state() === 'authorized');
    return loggedIn.map(({ session }) => session.id).filter((id) => !server.calledBack.includes(id));
  };
  await expect.poll(missing).toEqual([]);
  await expect.poll(() => server.owed()).toBe(0);
}

async function readDay(): Promise<DayLog> {
  return {
    logins: await Promise.all(scene.people.logins.map(loginLogOf)),
    tries: server.tries,
    calledBack: server.calledBack,
    refusals: scene.calls.refusals,
    unscraped: await stage.unscraped(),
  };
}

describe.skipIf(isMissing('prometheus'))('a day', () => {
  beforeAll(async () => {
    const receiver = await openTestReceiver();
    releasers.push('receiver', () => receiver.close());
    server = watchServer(receiver, CALLBACK_REFUSED_EVERY);
    releasers.push(
      'stalls',
      watchStalls((stall) => stalls.push(spanOf(stall))),
    );
    stage = await openDayStage({ ...PACE, env: { ...ENV, QRCAST_CALLBACK_HOSTS: receiver.url } });
    releasers.push('stage', () => stage.close());
    const calls = createCalls(stage);
    const tenants = [await calls.createTenant('alpha', receiver.url), await calls.createTenant('beta', receiver.url)] as const;
    const firing = (): Promise<readonly string[]> => namesFiring(stage.prometheus);
    scene = {
      stage,
      calls,
      tenants,
      people: createPeople(stage, tenants),
      untilFiring: async (...names) => {
        await expect.poll(firing).toEqual(expect.arrayContaining([...names]));
      },
      isFiring: async (...names) => (await firing()).filter((name) => names.includes(name)).length === names.length,
      untilCalledBack,
      untilOut: async (...names) => {
        await expect.poll(async () => (await firing()).filter((name) => names.includes(name))).toEqual([]);
      },
    };
  });
  afterAll(() => releasers.release());

  it('begins with an ordinary morning', () => morning(scene));
  it('goes on while all processes are replaced', () => rollingRestart(scene));
  it('stands an outage of the provider', () => outage(scene));
  it('finds logins without notifications', () => lostNotifications(scene));
  it('stands a full Redis', () => fullRedis(scene));
  it('refuses whoever is wrong', () => wrongCalls(scene));
  it(`ends with ${LOGINS} people`, async () => {
    await evening(scene, LOGINS);
    expect(scene.people.logins).toHaveLength(LOGINS);
  });

  it('is quiet in the end', async () => {
    await expect.poll(() => valuesOf('Sessions in the schedule')).toEqual([0]); // the last attempt has reached its deadline
    await untilCalledBack();
    await expect.poll(() => valuesOf('Marks in the outbox')).toEqual([0]);
    await Promise.all(scene.people.logins.flatMap(({ viewers }) => viewers.map((viewer) => viewer.close())));
    await expect.poll(() => valuesOf('Viewers')).toEqual([0, 0, 0, 0]);
    await expect.poll(() => valuesOf('Ready')).toEqual([1, 1, 1, 1]);
    expect(await valuesOf('Redis accepts writes')).toEqual([1, 1, 1, 1]);
  });

  it('has lost no login, and promised no code for too long', async () => {
    const ofRoles = stage.roles.flatMap((role) => role.stalls().map(spanOf));
    const circumstances: Circumstances = { stopped: [], stalls: [...stalls, ...ofRoles], losses: [] };
    const day = await readDay();
    expect(checkLogins(day, circumstances, CODE_TTL_MS)).toEqual([]);
    const confirmed = day.logins.filter(({ isLoggedIn }) => isLoggedIn).length;
    process.stdout.write(`${confirmed} of ${LOGINS} people are logged in; nobody can ask for ${countUncertain(day)} counts\n`);
  });

  it('is on the board as it was', async () => {
    const day = await readDay();
    await expect.poll(async () => checkBoard({ ...day, unscraped: await stage.unscraped() }, await readBoard())).toEqual([]);
  });

  it('has fired the alerts that it had to, and no other', async () => {
    await expect.poll(() => namesFiring(stage.prometheus)).toEqual([]);
    const alerts = { must: [...OUTAGE_ALERTS, ...FULL_ALERTS], may: MAY_FIRE, firing: await namesFiring(stage.prometheus) };
    expect(checkAlerts({ ...alerts, fired: await haveFired(stage.prometheus) })).toEqual([]);
    expect(await stage.prometheus.ruleFaults()).toEqual([]);
  });
});
